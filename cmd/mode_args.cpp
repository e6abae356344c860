#include "mode_args.h"

#include <CLI/CLI.hpp>

namespace qtool::cmd {
namespace {

/// The built-in qconfig of a mode; empty: the backend's.
std::string usual_qconfig(Mode mode) {
  if (mode == Mode::dynamic) return "dynamic";
  return mode == Mode::weight_only ? "weight-only-int8" : "";
}

}  // namespace

PrepareOptions prepare_options(const ConfigArgs& config, const PrepareArgs& prepare) {
  PrepareOptions options;
  options.backend = config.load_backend();
  options.wrap = prepare.wrap;
  options.freeze = prepare.freeze;
  options.complete = prepare.complete;
  if (config.qconfig.empty()) {
    options.mode = mode_named(prepare.mode).value_or(Mode::static_range);
    const std::string usual = usual_qconfig(options.mode);
    options.qconfig = usual.empty() ? config.load_qconfig() : QConfigMapping::built_in(usual);
    return options;
  }
  options.qconfig = config.load_qconfig();
  options.mode = mode_named(prepare.mode).value_or(mode_of(options.qconfig).value_or(Mode::static_range));
  refuse_other_mode(options.qconfig, options.mode, config.qconfig);
  return options;
}

void refuse_calibration_options(Mode mode, const std::vector<GivenOption>& options) {
  if (mode == Mode::static_range) return;
  for (const GivenOption& option : options)
    if (option.given)
      throw usage_error(std::string(option.name) + " has no meaning with --mode " + std::string(name_of(mode)) + ": nothing is calibrated");
}

void add_dialect(CLI::App& app, std::string& name) {
  app.add_option("--dialect", name, "operators of a dynamic model: onnx (standard alone) or ort (DynamicQuantizeLSTM for LSTM)")
      ->check(CLI::IsMember({"onnx", "ort"}))
      ->capture_default_str();
}

Dialect dialect_of(const std::string& name, Mode mode) {
  if (name != "ort") return Dialect::onnx;
  if (mode != Mode::dynamic) throw usage_error("--dialect ort is for --mode dynamic, this is --mode " + std::string(name_of(mode)));
  return Dialect::ort;
}

void refuse_other_mode(const QConfigMapping& qconfig, Mode mode, const std::string& name) {
  const auto made_for = mode_of(qconfig);
  if (made_for && *made_for != mode)
    throw usage_error("--qconfig " + name + " is for --mode " + std::string(name_of(*made_for)) + ", this is --mode " +
                      std::string(name_of(mode)));
}

}  // namespace qtool::cmd
