// Saving a model that was changed after loading.

#include <catch2/catch_test_macros.hpp>

#include "base/output_file.h"
#include "onnxio/messages.h"
#include "onnxio/onnxio.h"
#include "onnxio/tensor_file.h"
#include "support/models.h"

using namespace qtool;
using onnx::ModelProto;
using testing::message_of_bytes;
using testing::message_of_text;

namespace {

/// y = Relu(Neg(x)) with a value_info for the inner value.
ModelProto chain() {
  ModelProto message =
      message_of_text("<ir_version: 8, opset_import: [\"\" : 17]> g (float[4] x) => (float[4] y) { m = Neg(x) y = Relu(m) }");
  auto& info = *message.mutable_graph()->add_value_info() = message.graph().input(0);
  info.set_name("m");
  info.set_doc_string("in the middle");
  return message;
}

Model load(const ModelProto& message) { return onnxio::parse(message.SerializeAsString()); }
ModelProto saved(const Model& model) { return message_of_bytes(onnxio::serialize(model)); }

}  // namespace

TEST_CASE("edit: only what was changed differs in the file") {
  ModelProto expected = chain();
  expected.mutable_graph()->mutable_node(0)->set_doc_string("kept");
  Model model = load(expected);
  Node& node = model.graph->find("m")->producer();
  node.op = "Abs";
  node.set_attribute("axis", int64_t{1});
  model.set_metadata("qtool.version", "1");
  model.set_opset("", 21);
  auto& changed = *expected.mutable_graph()->mutable_node(0);
  changed.set_op_type("Abs");
  auto& attribute = *changed.add_attribute();
  attribute.set_name("axis");
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(1);
  auto& metadata = *expected.add_metadata_props();
  metadata.set_key("qtool.version");
  metadata.set_value("1");
  expected.mutable_opset_import(0)->set_version(21);
  CHECK(testing::difference(expected, saved(model)) == "");
}

TEST_CASE("edit: value_info follows its value") {
  Model model = load(chain());
  SECTION("gone with it") {
    model.graph->replace_uses(*model.graph->find("m"), *model.graph->find("x"));
    model.graph->erase(model.graph->find("m")->producer());
    CHECK(saved(model).graph().value_info_size() == 0);
  }
  SECTION("rewritten where its type changed") {
    model.graph->find("m")->type = ValueType::of(DType::float16, {4});
    const ModelProto message = saved(model);
    REQUIRE(message.graph().value_info_size() == 1);
    CHECK(message.graph().value_info(0).type().tensor_type().elem_type() == 10);
    CHECK(message.graph().value_info(0).doc_string() == "in the middle");
  }
  SECTION("kept where we only know more or less") {
    model.graph->find("m")->type = {};
    CHECK(saved(model).graph().value_info(0).type().tensor_type().shape().dim(0).dim_value() == 4);
  }
}

TEST_CASE("edit: a renamed value is renamed everywhere") {
  Model model = load(chain());
  model.graph->rename(*model.graph->find("x"), "input");
  model.graph->rename(*model.graph->find("y"), "output");
  const ModelProto message = saved(model);
  CHECK(message.graph().input(0).name() == "input");
  CHECK(message.graph().node(0).input(0) == "input");
  CHECK(message.graph().node(1).output(0) == "output");
  CHECK(message.graph().output(0).name() == "output");
}

TEST_CASE("edit: a new input type is written, its documentation kept") {
  ModelProto message = chain();
  message.mutable_graph()->mutable_input(0)->set_doc_string("kept");
  Model model = load(message);
  model.graph->find("x")->type.dims = std::vector<Dim>{{-1, "N"}, {}, {3, ""}};
  const auto input = saved(model).graph().input(0);
  CHECK(input.doc_string() == "kept");
  const auto& shape = input.type().tensor_type().shape();
  REQUIRE(shape.dim_size() == 3);
  CHECK(shape.dim(0).dim_param() == "N");
  CHECK(shape.dim(1).value_case() == onnx::TensorShapeProto::Dimension::VALUE_NOT_SET);
  CHECK(shape.dim(2).dim_value() == 3);
}

TEST_CASE("edit: weights added, changed and removed") {
  ModelProto message = chain();
  for (const char* name : {"a", "b"}) *message.mutable_graph()->add_initializer() = testing::zeros(name, {1});
  message.mutable_graph()->mutable_initializer(1)->set_doc_string("kept");
  Model model = load(message);
  model.graph->add_weight("c", Tensor::of<float>({2}, {5, 6}));
  model.graph->find("b")->producer().weight->tensor = Tensor::of<float>({1}, {7});
  model.graph->erase(model.graph->find("a")->producer());
  const auto graph = saved(model).graph();
  REQUIRE(graph.initializer_size() == 2);
  CHECK(graph.initializer(0).name() == "b");
  CHECK(graph.initializer(0).doc_string() == "kept");
  CHECK(graph.initializer(1).name() == "c");
  const Model again = testing::reloaded(model);
  CHECK(again.graph->find("b")->constant()->to_floats() == std::vector<float>{7});
}

TEST_CASE("IR 3: weights are constants; their inputs go when the IR is raised") {
  ModelProto message = chain();
  message.set_ir_version(3);
  *message.mutable_graph()->add_initializer() = testing::zeros("w", {4});
  auto& input = *message.mutable_graph()->add_input() = message.graph().input(0);
  input.set_name("w");
  Model model = load(message);
  CHECK(model.graph->placeholders().size() == 1);
  CHECK(model.graph->find("w")->constant());
  model.graph->add_weight("new", Tensor::of<float>({1}, {1}));
  CHECK(saved(model).graph().input_size() == 3);
  model.ir_version = 8;
  CHECK(saved(model).graph().input_size() == 1);
  CHECK(saved(model).graph().initializer_size() == 2);
}

TEST_CASE("IR 4: a weight that is an input is a default") {
  ModelProto message = chain();
  *message.mutable_graph()->add_initializer() = testing::zeros("w", {4});
  auto& input = *message.mutable_graph()->add_input() = message.graph().input(0);
  input.set_name("w");
  const Model model = load(message);
  const Node& node = model.graph->find("w")->producer();
  CHECK(node.kind() == NodeKind::placeholder);
  REQUIRE(node.weight);
  CHECK(node.weight->tensor.size() == 4);
  CHECK(model.graph->find("w")->constant() == nullptr);
}

TEST_CASE("a weight in a function body is written as a Constant node") {
  Model model = testing::model_of(R"(
    <ir_version: 8, opset_import: ["" : 17, "m" : 1]>
    g (float[2] x) => (float[2] y) { y = m.F(x) }
    <domain: "m", opset_import: ["" : 17]> F (u) => (v) { v = Neg(u) })");
  Graph& body = *model.functions[0]->body;
  Node& weight = body.add_weight("w", Tensor::of<float>({2}, {1, 2}));
  body.set_input(body.find("v")->producer(), 1, weight.out());
  body.find("v")->producer().op = "Add";
  const Model again = testing::reloaded(model);
  const Node& constant = again.functions[0]->body->find("w")->producer();
  CHECK(constant.op == "Constant");
  REQUIRE(constant.tensor_attr("value"));
  CHECK(constant.tensor_attr("value")->to_floats() == std::vector<float>{1, 2});
  CHECK(onnxio::serialize(again) == onnxio::serialize(testing::reloaded(again)));
}

TEST_CASE("digest: of the content, not of how it is stored") {
  Model model = load(chain());
  const std::string digest = onnxio::digest(model);
  CHECK(digest.size() == 64);
  CHECK(onnxio::digest(testing::reloaded(model)) == digest);
  CHECK(onnxio::digest(copy(model)) == digest);
  model.graph->find("y")->producer().op = "Abs";
  CHECK(onnxio::digest(model) != digest);
}

TEST_CASE("narrow elements are one a byte in memory, packed in the file") {
  const std::vector<int8_t> values{-8, 7, -1, 0, 3};
  Tensor tensor = Tensor::of({5}, values).cast(DType::int4);
  Model model = load(chain());
  model.graph->add_weight("w", tensor);
  const ModelProto message = saved(model);
  CHECK(message.graph().initializer(0).data_type() == 22);
  CHECK(message.graph().initializer(0).raw_data() == std::string("\x78\x0f\x03", 3));
  CHECK(*testing::reloaded(model).graph->find("w")->constant() == tensor);
}

TEST_CASE("tensor files") {
  const testing::TempDir dir;
  const auto check = [&](const Tensor& tensor) {
    onnxio::save_tensor_file(tensor, "input", dir.path("t.pb"));
    std::string name;
    CHECK(onnxio::load_tensor_file(dir.path("t.pb"), &name) == tensor);
    CHECK(name == "input");
  };
  check(Tensor::of<float>({2, 2}, {1, 2, 3, 4}));
  check(Tensor::scalar<int64_t>(-5));
  check(Tensor::of<bool>({2}, {true, false}));
  check(Tensor::of_strings({2}, {"a", ""}));
  check(Tensor::zeros(DType::float16, {0, 3}));
  write_output(dir.path("bad.pb"), "\x0a");
  CHECK_THROWS_AS(onnxio::load_tensor_file(dir.path("bad.pb")), Error);
  write_output(dir.path("bad.pb"), "");
  CHECK_THROWS_AS(onnxio::load_tensor_file(dir.path("bad.pb")), Error);
}
