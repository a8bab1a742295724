// The least level that is logged: log.level of the configuration.
#pragma once

namespace claimgate::config {

enum class LogLevel { debug, info, warning, error };

}  // namespace claimgate::config
