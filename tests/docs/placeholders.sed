# What a document leaves to its reader, and what stands in its place here. One line each; a line that
# changes no command of any document fails the test. GNU sed, -E.

# The payee of tests/vectors/account_channels.json, which is in answer.json (session.sh, answers).
s/rYOURADDRESS/rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe/g
# An account in JSON.
s/"r…"/"rPT1Sjq2YGrBMTttX4GZHjKu9dyfzbpAYe"/g
# A node of the ledger cannot be had: curl reads this file, whatever it asks (session.sh, curl).
s|\$RIPPLED|file://$PWD/tests/vectors/account_channels.json|g
# One of the profiles; each is started by its own document.
s|(--config) FILE|\1 memif.toml|
# Mebibytes of huge pages.
s/(hugepages\.sh) MIB/\1 64/
# A verb that a sentence names without its argument.
s/^(claimctl channels import)$/\1 channels.json --dry-run/
# Fewer keys and signatures: the same command in seconds.
s/(--channels|--count) [0-9]{4,}/\1 200/g
s/(--claims) [0-9]{4,}/\1 2000/g
s/(--duration) [0-9]+/\1 1/
s/(--rate) [0-9]+k/\1 2k/
/--(claims|duration) /!s/(claimgen (run|pcap))( |$)/\1 --claims 2000\3/
# Whether it finds a problem is this machine's; that is exit code 1 (claimctl(1)).
s/^(claimctl doctor[^#]*)/{ \1; } || [[ $? -eq 1 ]] /
