#include "ops/node_suite.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "onnxio/onnxio.h"
#include "onnxio/tensor_file.h"
#include "ops/helpers/numeric.h"
#include "ops/helpers/small_float.h"
#include "ops/interpret.h"

namespace qtool::testing {
namespace {

namespace fs = std::filesystem;

std::vector<Tensor> load_tensors(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> tensors;
  for (size_t i = 0;; ++i) {
    const fs::path file = folder / "test_data_set_0" / (kind + "_" + std::to_string(i) + ".pb");
    if (!fs::exists(file)) return tensors;
    tensors.push_back(onnxio::load_tensor_file(file.string()));
  }
}

std::vector<double> numbers(const Tensor& tensor) {
  if (!is_small_float(tensor.dtype())) return to_doubles(tensor);
  const std::vector<float> values = from_small_float(tensor);
  return {values.begin(), values.end()};
}

bool close(double found, double expected, const NodeCase& test) {
  if (std::isnan(expected) || std::isnan(found)) return std::isnan(expected) && std::isnan(found);
  if (std::isinf(expected) || std::isinf(found)) return expected == found;
  return std::fabs(found - expected) <= test.atol + test.rtol * std::fabs(expected);
}

std::string describe(const Tensor& tensor) {
  return tensor.defined() ? std::string(name_of(tensor.dtype())) + " " + to_string(tensor.shape()) : "nothing";
}

std::string difference(const Tensor& found, const Tensor& expected, const NodeCase& test) {
  if (found.dtype() != expected.dtype() || found.shape() != expected.shape())
    return "found " + describe(found) + ", expected " + describe(expected);
  const std::vector<double> a = numbers(found), b = numbers(expected);
  for (size_t i = 0; i < a.size(); ++i)
    if (!close(a[i], b[i], test))
      return "element " + std::to_string(i) + ": found " + std::to_string(a[i]) + ", expected " + std::to_string(b[i]);
  return {};
}

/// What was inferred must hold of what was computed.
std::string type_difference(const ValueType& inferred, const Tensor& computed) {
  if (inferred.dtype != DType::undefined && inferred.dtype != computed.dtype())
    return "inferred " + std::string(name_of(inferred.dtype)) + ", computed " + describe(computed);
  if (!inferred.dims) return {};
  if (inferred.dims->size() != computed.rank())
    return "inferred rank " + std::to_string(inferred.dims->size()) + ", computed " + describe(computed);
  for (size_t d = 0; d < computed.rank(); ++d)
    if ((*inferred.dims)[d].known() && (*inferred.dims)[d].value != computed.shape()[d])
      return "inferred dimension " + std::to_string(d) + " as " + std::to_string((*inferred.dims)[d].value) + ", computed " +
             describe(computed);
  return {};
}

std::string compare(const fs::path& folder, const NodeCase& test) {
  Model model = onnxio::load((folder / "model.onnx").string());
  infer_types(model);
  const std::vector<Tensor> found = interpret(model, load_tensors(folder, "input")), expected = load_tensors(folder, "output");
  if (found.size() < expected.size()) return "too few outputs";
  for (size_t i = 0; i < expected.size(); ++i) {
    std::string wrong = difference(found[i], expected[i], test);
    if (wrong.empty()) wrong = type_difference(model.graph->output().in(i)->type, found[i]);
    if (!wrong.empty()) return "output " + std::to_string(i) + ": " + wrong;
  }
  return {};
}

}  // namespace

std::optional<fs::path> node_suite_folder() {
  const char *stated = std::getenv("QTOOL_NODE_SUITE"), *home = std::getenv("HOME");
  std::vector<fs::path> places;
  if (stated) places.emplace_back(stated);
  places.push_back(fs::path(QTOOL_SOURCE_DIR) / ".deps/node_suite");
  if (home) places.push_back(fs::path(home) / ".cache/qtool-tasks/nodes");
  for (const fs::path& place : places)
    if (fs::exists(place / "tolerance.csv")) return place;
  return std::nullopt;
}

std::vector<NodeCase> node_cases(const fs::path& folder) {
  std::ifstream file(folder / "tolerance.csv");
  std::vector<NodeCase> cases;
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string name, rtol, atol;
    if (std::getline(fields, name, ',') && std::getline(fields, rtol, ',') && std::getline(fields, atol))
      cases.push_back({name, std::stod(rtol), std::stod(atol)});
  }
  return cases;
}

std::string run_node_case(const fs::path& folder, const NodeCase& test) {
  try {
    return compare(folder / test.name, test);
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::map<std::string, std::string> node_suite_manifest() {
  std::ifstream file(fs::path(QTOOL_SOURCE_DIR) / "tests/ops/node_suite_manifest.txt");
  std::map<std::string, std::string> reasons;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    const size_t space = line.find(' ');
    reasons[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return reasons;
}

}  // namespace qtool::testing
