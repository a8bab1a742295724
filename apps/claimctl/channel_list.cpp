#include "apps/claimctl/channel_list.hpp"

#include <span>
#include <utility>

namespace claimgate::claimctl {

using admin::Verb;

Expected<admin::ChannelRecord> ask_for_channel(admin::Client& client, const std::string& id) {
  auto answer =
      client.ask(Verb::show, admin::encode(admin::ShowOrRemove{.id = id}), Verb::show_answer);
  if (!answer) return std::unexpected(std::move(answer.error()));
  if (answer->body.size() != admin::channel_record_bytes)
    return fail("claimd's answer cannot be read", {},
                "Use claimctl and claimd of the same release");
  return admin::decode_channel_record(
      std::span<const std::byte, admin::channel_record_bytes>(answer->body));
}

Expected<admin::ListPage> ask_for_page(admin::Client& client, const admin::List& wanted) {
  const auto answer = client.ask(Verb::list, admin::encode(wanted), Verb::list_page);
  if (!answer) return std::unexpected(answer.error());
  auto page = admin::decode_list_page(answer->body);
  if (page && page->next <= wanted.cursor) return fail("claimd's list goes in circles");
  return page;
}

}  // namespace claimgate::claimctl
