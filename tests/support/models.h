#pragma once
// Models for tests, written in ONNX's text syntax:
//
//   const Model model = model_of(R"(
//     g (float[N, 3, 8, 8] x) => (float[N, 4, 6, 6] y) <float[4, 3, 3, 3] w> {
//       [conv] c = Conv <strides = [1, 1]> (x, w)
//       y = Relu(c)
//     })");
//
// Weights: `<float[2] w = {1, 2}>`; without values (`<float[4, 3, 3, 3] w>`) it is only a declared type, see add_weights.
// Bodies: `y = If (c) <then_branch = g1 () => (float[2] t) { ... }, else_branch = ...>`. A name in brackets is the node's name.
// Functions, or another header, need the model in full: `<ir_version: 8, opset_import: ["" : 17, "m" : 1]> g (...) ...`.

#include <filesystem>
#include <string>

#include "graph/model.h"

namespace qtool::testing {

/// A model from text, linted. Text that starts with the graph gets the header <ir_version: 8, opset_import: ["" : `opset`]>.
Model model_of(const std::string& text, int opset = 17);

/// Turns graph inputs of these names into weights of their declared type and shape, filled with numbers uniform in [-1, 1)
/// (integers: in [-100, 100)) that depend on `seed` and the name alone.
void add_weights(Model& model, const std::vector<std::string>& inputs, unsigned seed = 1);

/// The numbers add_weights fills with, for inputs of a run.
Tensor random_tensor(DType dtype, const Shape& shape, const std::string& name, unsigned seed = 1);

/// The model after a trip through its bytes.
Model reloaded(const Model& model);

/// A directory of its own, removed in the end.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  std::string path(const std::string& name = "") const { return (dir_ / name).string(); }

 private:
  std::filesystem::path dir_;
};

}  // namespace qtool::testing
