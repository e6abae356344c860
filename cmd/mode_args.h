#pragma once
// What `--mode` decides about the other options of prepare, quantize and convert.

#include <string>
#include <vector>

#include "model_args.h"
#include "quantize/prepare.h"

namespace qtool::cmd {

/// Options of prepare as one: --mode, where it is absent the mode the qconfig is made for; --qconfig, where that is absent the built-in
/// of the mode. Throws Error(usage) when the two contradict each other.
PrepareOptions prepare_options(const ConfigArgs& config, const PrepareArgs& prepare);

/// An option that was given, by its name.
struct GivenOption {
  const char* name;
  bool given;
};
/// Throws Error(usage) naming the first of `options` that was given although nothing is calibrated in `mode`.
void refuse_calibration_options(Mode mode, const std::vector<GivenOption>& options);

/// `--dialect`.
void add_dialect(CLI::App& app, std::string& name);
/// Throws Error(usage) unless `name` is onnx, or ort in mode dynamic.
Dialect dialect_of(const std::string& name, Mode mode);

/// Throws Error(usage) when `qconfig` is made for another mode than the model was prepared for.
void refuse_other_mode(const QConfigMapping& qconfig, Mode mode, const std::string& name);

}  // namespace qtool::cmd
