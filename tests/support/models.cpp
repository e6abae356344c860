#include "support/models.h"

#include <unistd.h>

#include <random>

#include "onnxio/onnxio.h"

namespace qtool::testing {
namespace {

unsigned hash_of(const std::string& name, unsigned seed) {
  unsigned hash = 2166136261u ^ seed;  // FNV-1a: the same on every machine
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

void make_weight(Graph& graph, const std::string& name, unsigned seed) {
  Value* input = graph.find(name);
  const auto shape = input ? input->type.shape() : std::nullopt;
  if (!shape) throw bug("add_weights: \"" + name + "\" is no input of known shape");
  const DType dtype = input->type.dtype;
  graph.rename(*input, graph.fresh_name(name + "_input"));
  Node& weight = graph.add_weight(name, random_tensor(dtype, *shape, name, seed));
  graph.replace_uses(*input, *weight.out());
  graph.erase(input->producer());
}

}  // namespace

Model model_of(const std::string& text, int opset) {
  const size_t start = text.find_first_not_of(" \t\n");
  const bool has_header = start != std::string::npos && text[start] == '<';
  const std::string header = "<ir_version: 8, opset_import: [\"\" : " + std::to_string(opset) + "]>\n";
  Model model = onnxio::parse_text(has_header ? text : header + text);
  lint(model, "model_of");
  return model;
}

void add_weights(Model& model, const std::vector<std::string>& inputs, unsigned seed) {
  for (const std::string& name : inputs) make_weight(*model.graph, name, seed);
}

Tensor random_tensor(DType dtype, const Shape& shape, const std::string& name, unsigned seed) {
  std::mt19937 generator(hash_of(name, seed));
  std::vector<float> values(static_cast<size_t>(element_count(shape)));
  const float scale = is_integer(dtype) ? 100 : 1;
  for (float& value : values) value = (static_cast<float>(generator() >> 8) / 8388608.0f - 1.0f) * scale;
  return Tensor::of(shape, values).cast(dtype);
}

Model reloaded(const Model& model) { return onnxio::parse(onnxio::serialize(model)); }

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "qtool_test_XXXXXX").string();
  if (!mkdtemp(pattern.data())) throw bug("cannot make " + pattern);
  dir_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(dir_, ignored);
}

}  // namespace qtool::testing
