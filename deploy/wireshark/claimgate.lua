-- Wireshark's view of claimgate's wire protocol, version 1 (lib/wire/FORMAT.md): claims and verdicts
-- by name, each verdict matched to its claim, and how long it took.
--
--   wireshark -X lua_script:claimgate.lua FILE.pcap      or put this file among your Lua plugins
--
-- Wireshark 3.6 and later. All state belongs to one capture file and is gathered in the first pass
-- over its frames, in order; later looks at a frame only read it.

local claimgate = Proto("claimgate", "claimgate payment channel claims")

local CLAIM_BYTES, VERDICT_BYTES, FRAMES_MAX = 93, 33, 15
local CLAIM_TYPE, VERDICT_TYPE = 0x01, 0x81
local SHARDS = 64
local DROPS_MAX = UInt64.new(0x5D8A0000, 0x01634578) -- 10^17: all XRP that can exist
local DROPS_NONE = UInt64.new(0, 0)
-- Milliseconds since 1970 that are taken for a time, up to the year 2100: nobody has to send one.
local TIMESTAMP_MS_MAX = 4102444800000

local type_names = { [CLAIM_TYPE] = "Claim", [VERDICT_TYPE] = "Verdict" }
local code_names = {
  [0] = "ACCEPTED",
  [1] = "DUPLICATE",
  [2] = "STALE",
  [3] = "UNKNOWN_CHANNEL",
  [4] = "BAD_SIGNATURE",
  [5] = "OVER_FUNDS",
  [6] = "CLOSED",
  [7] = "BUSY",
  [8] = "MALFORMED",
  [9] = "COVERED",
  [10] = "MOVED",
}
local CODE_BUSY = 7

local f = {
  count = ProtoField.uint8("claimgate.count", "Frames in the datagram"),
  claim = ProtoField.none("claimgate.claim", "Claim"),
  verdict = ProtoField.none("claimgate.verdict", "Verdict"),
  type = ProtoField.uint8("claimgate.type", "Type", base.HEX, type_names),
  handle = ProtoField.uint64("claimgate.handle", "Channel handle", base.HEX, nil, nil,
    "The first 64 bits of the channel's id on the ledger"),
  shard = ProtoField.uint8("claimgate.shard", "Virtual shard", base.DEC, nil, nil,
    "Channel handle mod 64; its fast path is port 9301 + shard"),
  sequence = ProtoField.uint32("claimgate.sequence", "Sequence", base.DEC, nil, nil,
    "The sender's own counter, not signed"),
  drops = ProtoField.uint64("claimgate.drops", "Amount in drops", base.DEC, nil, nil,
    "Cumulative; 1 XRP is 1,000,000 drops"),
  signature = ProtoField.bytes("claimgate.signature", "Signature"),
  signature_r = ProtoField.bytes("claimgate.signature.r", "r, or R of Ed25519"),
  signature_s = ProtoField.bytes("claimgate.signature.s", "s, or S of Ed25519"),
  timestamp_raw = ProtoField.uint64("claimgate.timestamp.raw", "Timestamp as it came", base.HEX, nil,
    nil, "The sender's clock, an IEEE-754 double; not signed, echoed bit for bit"),
  timestamp_ms = ProtoField.double("claimgate.timestamp.ms", "Timestamp in ms since 1970"),
  timestamp = ProtoField.absolute_time("claimgate.timestamp", "Timestamp", base.UTC,
    "The same as a time, where it is one between 1970 and 2100"),
  code = ProtoField.uint8("claimgate.code", "Code", base.DEC, code_names),
  flags = ProtoField.uint8("claimgate.flags", "Flags", base.HEX),
  durable = ProtoField.bool("claimgate.flags.durable", "Durable", 8, nil, 0x01,
    "What this verdict says survives power loss"),
  retry_after_ms = ProtoField.uint16("claimgate.retry_after_ms", "Retry after, in ms"),
  response_in = ProtoField.framenum("claimgate.response_in", "Verdict in frame", base.NONE,
    frametype.RESPONSE),
  request_in = ProtoField.framenum("claimgate.request_in", "Claim in frame", base.NONE,
    frametype.REQUEST),
  response_time = ProtoField.relative_time("claimgate.response_time", "Response time",
    "From the claim to its verdict"),
  retransmission_of = ProtoField.framenum("claimgate.retransmission_of", "Sent before in frame",
    base.NONE, frametype.RETRANS_PREV),
  rest = ProtoField.bytes("claimgate.rest", "Bytes that make no frame"),
}
claimgate.fields = f

local e = {
  size = ProtoExpert.new("claimgate.size.malformed", "Not 1..15 frames: claimgate drops it whole",
    expert.group.MALFORMED, expert.severity.ERROR),
  cut = ProtoExpert.new("claimgate.size.cut", "The capture does not hold all of the datagram",
    expert.group.UNDECODED, expert.severity.NOTE),
  type = ProtoExpert.new("claimgate.type.wrong", "Not the type of frame that belongs here",
    expert.group.MALFORMED, expert.severity.ERROR),
  drops = ProtoExpert.new("claimgate.drops.impossible", "Not an amount of 1 to 10^17 drops",
    expert.group.MALFORMED, expert.severity.ERROR),
  code = ProtoExpert.new("claimgate.code.unknown", "Not a code of version 1",
    expert.group.PROTOCOL, expert.severity.WARN),
  flags = ProtoExpert.new("claimgate.flags.unknown", "Flags that version 1 does not know",
    expert.group.PROTOCOL, expert.severity.WARN),
  retry = ProtoExpert.new("claimgate.retry_after_ms.unasked", "Only BUSY asks to retry",
    expert.group.PROTOCOL, expert.severity.WARN),
  busy = ProtoExpert.new("claimgate.code.busy", "Not examined: the appliance is overloaded",
    expert.group.RESPONSE_CODE, expert.severity.WARN),
  unasked = ProtoExpert.new("claimgate.request.missing", "No claim to this verdict was captured",
    expert.group.SEQUENCE, expert.severity.WARN),
  unanswered = ProtoExpert.new("claimgate.response.missing", "No verdict on this claim was captured",
    expert.group.SEQUENCE, expert.severity.NOTE),
  retransmission = ProtoExpert.new("claimgate.retransmission", "The same claim was sent before",
    expert.group.SEQUENCE, expert.severity.NOTE),
}
claimgate.experts = e

claimgate.prefs.port = Pref.uint("UDP base port", 9300,
  "Takes any claim; the 64 above it are those of the virtual shards")

-- ---- matching -------------------------------------------------------------------------------

-- A claim that was sent: {frame, time_ns, stamp, earlier = the frame that sent it first, or nil,
-- response = the frame of its verdict, or nil}.
local sent = {} -- conversation and claim -> list of all the times it was sent
-- What the first pass found out, by "frame number/place in the datagram/number in it": a claim as
-- above, or {request = a claim as above or nil, time = how long it took} for a verdict.
local found = {}

function claimgate.init()
  sent, found = {}, {}
end

-- In whole nanoseconds since the capture's first frame: pinfo has only floating-point seconds, of
-- which these are exact for 104 days. (A field extractor finds nothing in a first pass.)
local function time_ns(pinfo)
  return math.floor(pinfo.rel_ts * 1e9 + 0.5)
end

local function duration(ns)
  local seconds = math.floor(ns / 1e9)
  return NSTime(seconds, ns - seconds * 1e9)
end

-- The client's end first, whoever speaks.
local function conversation_of(pinfo, is_claim)
  local source = tostring(pinfo.net_src) .. " " .. pinfo.src_port
  local destination = tostring(pinfo.net_dst) .. " " .. pinfo.dst_port
  if is_claim then return source .. " " .. destination end
  return destination .. " " .. source
end

-- Handle, sequence and amount, which a verdict echoes at the same places.
local function key_of(conversation, range)
  return conversation .. " " .. range(1, 20):raw()
end

local function note_claim(pinfo, range)
  local key = key_of(conversation_of(pinfo, true), range)
  local before = sent[key]
  if not before then
    before = {}
    sent[key] = before
  end
  local claim = {
    frame = pinfo.number,
    time_ns = time_ns(pinfo),
    stamp = range(85, 8):raw(),
    earlier = before[1] and before[1].frame,
  }
  before[#before + 1] = claim
  return claim
end

-- The claim that a verdict answers: of those with its echoed timestamp the first without an answer,
-- else the first; else, as somebody has changed the timestamp, the last one sent.
local function claim_answered(list, stamp)
  local any
  for _, claim in ipairs(list) do
    if claim.stamp == stamp then
      if not claim.response then return claim end
      any = any or claim
    end
  end
  return any or list[#list]
end

local function note_verdict(pinfo, range)
  local list = sent[key_of(conversation_of(pinfo, false), range)]
  if not list then return {} end
  local claim = claim_answered(list, range(25, 8):raw())
  claim.response = claim.response or pinfo.number
  return { request = claim.frame, time = duration(time_ns(pinfo) - claim.time_ns) }
end

-- What is known of one frame of a datagram. A datagram that an ICMP error quotes is none of ours.
local function match(pinfo, range, place, is_claim)
  if pinfo.in_error_pkt then return nil end
  local key = pinfo.number .. "/" .. place
  if not found[key] and not pinfo.visited then
    found[key] = is_claim and note_claim(pinfo, range) or note_verdict(pinfo, range)
  end
  return found[key]
end

-- ---- one frame ------------------------------------------------------------------------------

-- Adds what is computed, not captured.
local function add_generated(tree, field, ...)
  local item = tree:add(field, ...)
  item:set_generated()
  return item
end

local function add_timestamp(tree, range)
  tree:add(f.timestamp_raw, range)
  tree:add(f.timestamp_ms, range)
  local ms = range:float()
  if ms >= 0 and ms < TIMESTAMP_MS_MAX then -- false for what is no number, too
    local seconds = math.floor(ms / 1000)
    local rest_ns = math.floor((ms - seconds * 1000) * 1000000 + 0.5)
    if rest_ns > 999999999 then
      seconds, rest_ns = seconds + 1, 0
    end
    tree:add(f.timestamp, range, NSTime(seconds, rest_ns))
  end
end

-- The fields that claims and verdicts share. Returns sequence and drops.
local function add_echoed(tree, range, type_expected)
  local type_item = tree:add(f.type, range(0, 1))
  if range(0, 1):uint() ~= type_expected then type_item:add_proto_expert_info(e.type) end
  tree:add(f.handle, range(1, 8))
  add_generated(tree, f.shard, range(8, 1), range(8, 1):uint() % SHARDS)
  tree:add(f.sequence, range(9, 4))
  local drops = range(13, 8):uint64()
  local drops_item = tree:add(f.drops, range(13, 8))
  return range(9, 4):uint(), drops, drops_item
end

local function add_claim(tree, pinfo, range, place)
  local item = tree:add(f.claim, range)
  local sequence, drops, drops_item = add_echoed(item, range, CLAIM_TYPE)
  if drops == DROPS_NONE or drops > DROPS_MAX then drops_item:add_proto_expert_info(e.drops) end
  local signature = item:add(f.signature, range(21, 64))
  signature:add(f.signature_r, range(21, 32))
  signature:add(f.signature_s, range(53, 32))
  add_timestamp(item, range(85, 8))
  item:set_text(string.format("Claim %d: channel %s, sequence %d, %s drops", place,
    tostring(range(1, 8):bytes()), sequence, tostring(drops)))

  local claim = match(pinfo, range, place, true)
  if not claim then return sequence, false end
  if claim.earlier then
    add_generated(item, f.retransmission_of, claim.earlier)
      :add_proto_expert_info(e.retransmission)
  end
  if claim.response then
    add_generated(item, f.response_in, claim.response)
  elseif pinfo.visited then -- in the first pass it may still come
    item:add_proto_expert_info(e.unanswered)
  end
  return sequence, claim.earlier ~= nil
end

local function add_verdict(tree, pinfo, range, place)
  local item = tree:add(f.verdict, range)
  local sequence, drops = add_echoed(item, range, VERDICT_TYPE)
  local code = range(21, 1):uint()
  local code_item = item:add(f.code, range(21, 1))
  if not code_names[code] then code_item:add_proto_expert_info(e.code) end
  if code == CODE_BUSY then code_item:add_proto_expert_info(e.busy) end
  local flags_item = item:add(f.flags, range(22, 1))
  flags_item:add(f.durable, range(22, 1))
  if range(22, 1):uint() > 1 then flags_item:add_proto_expert_info(e.flags) end
  local retry_item = item:add(f.retry_after_ms, range(23, 2))
  if range(23, 2):uint() > 0 and code ~= CODE_BUSY then
    retry_item:add_proto_expert_info(e.retry)
  end
  add_timestamp(item, range(25, 8))
  local name = code_names[code] or string.format("code %d", code)
  item:set_text(string.format("Verdict %d: %s, channel %s, sequence %d, %s drops", place, name,
    tostring(range(1, 8):bytes()), sequence, tostring(drops)))

  local answer = match(pinfo, range, place, false)
  if answer and answer.request then
    add_generated(item, f.request_in, answer.request)
    add_generated(item, f.response_time, answer.time)
  elseif answer then
    item:add_proto_expert_info(e.unasked)
  end
  return code
end

-- ---- the datagram ---------------------------------------------------------------------------

local function plural(count, noun)
  return count .. " " .. noun .. (count == 1 and "" or "s")
end

-- 1..15 for neighbours, commas between what is not; short in any case.
local function runs_of(numbers)
  local runs = {}
  local i = 1
  while i <= #numbers do
    local last = i
    while last < #numbers and numbers[last + 1] == numbers[last] + 1 do last = last + 1 end
    if #runs == 4 then
      runs[#runs + 1] = "…"
      break
    end
    runs[#runs + 1] = last > i and numbers[i] .. ".." .. numbers[last] or tostring(numbers[i])
    i = last + 1
  end
  return table.concat(runs, ", ")
end

-- Thirteen of this and two of that, in the order of the codes.
local function tally_of(codes)
  local counts, parts = {}, {}
  for _, code in ipairs(codes) do counts[code] = (counts[code] or 0) + 1 end
  for code = 0, 255 do
    if counts[code] then
      parts[#parts + 1] = counts[code] .. " " .. (code_names[code] or "code " .. code)
    end
  end
  return table.concat(parts, ", ")
end

local function is_ours(port)
  local base_port = claimgate.prefs.port
  return port >= base_port and port <= base_port + SHARDS
end

-- Claims go to our ports and verdicts come from them; where the ports do not say, the first byte
-- does, and then the size.
local function holds_claims(tvb, pinfo)
  local from_us, to_us = is_ours(pinfo.src_port), is_ours(pinfo.dst_port)
  if from_us ~= to_us then return to_us end
  local first = tvb:len() > 0 and tvb(0, 1):uint() or 0
  if first == CLAIM_TYPE or first == VERDICT_TYPE then return first == CLAIM_TYPE end
  return tvb:reported_len() % VERDICT_BYTES ~= 0
end

function claimgate.dissector(tvb, pinfo, root)
  local is_claim = holds_claims(tvb, pinfo)
  local frame_bytes = is_claim and CLAIM_BYTES or VERDICT_BYTES
  local noun = is_claim and "claim" or "verdict"
  local sent_bytes, held_bytes = tvb:reported_len(), tvb:len()
  local well_sized = sent_bytes > 0 and sent_bytes % frame_bytes == 0
    and sent_bytes <= FRAMES_MAX * frame_bytes
  local whole = math.min(math.floor(held_bytes / frame_bytes), FRAMES_MAX)

  local tree = root:add(claimgate, tvb())
  local count = math.floor(sent_bytes / frame_bytes)
  add_generated(tree, f.count, tvb(0, 0), math.min(count, 255))
  local sequences, codes, resent = {}, {}, 0
  for place = 1, whole do
    local range = tvb((place - 1) * frame_bytes, frame_bytes)
    if is_claim then
      local sequence, again = add_claim(tree, pinfo, range, place)
      sequences[place] = sequence
      if again then resent = resent + 1 end
    else
      codes[place] = add_verdict(tree, pinfo, range, place)
    end
  end

  local info = plural(whole, noun)
  if whole > 0 then
    info = info .. (is_claim and ", " .. runs_of(sequences) or ": " .. tally_of(codes))
  end
  if resent > 0 then info = info .. string.format(" [%d sent before]", resent) end
  if held_bytes > whole * frame_bytes then
    tree:add(f.rest, tvb(whole * frame_bytes))
  end
  if not well_sized then
    tree:add_proto_expert_info(e.size,
      string.format("%d bytes are not 1..15 %ss of %d bytes: claimgate drops such a datagram whole",
        sent_bytes, noun, frame_bytes))
    info = info .. string.format(" [malformed: %d bytes]", sent_bytes)
  elseif held_bytes < sent_bytes then
    tree:add_proto_expert_info(e.cut)
    info = info .. string.format(" [of %d: cut by the capture]", count)
  end
  tree:set_text("claimgate, " .. info)
  if not pinfo.in_error_pkt then
    pinfo.cols.protocol = "claimgate"
    pinfo.cols.info = info
  end
  return held_bytes
end

-- ---- where it is found ----------------------------------------------------------------------
-- On these ports, and on any other that "Decode As" names.

local udp_ports = DissectorTable.get("udp.port")
local registered

local function register()
  if registered then udp_ports:remove(registered, claimgate) end
  registered = string.format("%d-%d", claimgate.prefs.port, claimgate.prefs.port + SHARDS)
  udp_ports:add(registered, claimgate)
end

function claimgate.prefs_changed()
  register()
end

register()
