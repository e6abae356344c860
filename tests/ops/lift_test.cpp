#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include "ops/interpret.h"
#include "support/models.h"

using namespace qtool;
using namespace qtool::testing;

namespace {

/// Lifts every node through the rows, one opset at a time.
void lift_to(Model& model, int64_t opset) {
  for (int64_t version = model.opset() + 1; version <= opset; ++version) {
    for (Node& node : model.graph->editable()) {
      if (!node.is_call()) continue;
      const OpDef *before = find_op("", node.op, version - 1), *after = find_op("", node.op, version);
      REQUIRE(before);
      if (before != after && before->lift) before->lift(*model.graph, node);
    }
    model.set_opset("", version);
    lint(model, "lift to " + std::to_string(version));
  }
}

struct Case {
  const char* what;
  int from, to;
  const char* text;
};

const Case kCases[] = {
    {"Squeeze", 11, 13, "agraph (float[1,3,1] x) => (float[3,1] y) { y = Squeeze<axes=[0]>(x) }"},
    {"Squeeze of all", 11, 13, "agraph (float[1,3,1] x) => (float[3] y) { y = Squeeze(x) }"},
    {"Unsqueeze", 11, 13, "agraph (float[3] x) => (float[1,3,1] y) { y = Unsqueeze<axes=[0,2]>(x) }"},
    {"ReduceSum", 11, 13, "agraph (float[2,3] x) => (float[2] y) { y = ReduceSum<axes=[1],keepdims=0>(x) }"},
    {"ReduceMean", 11, 18, "agraph (float[2,3] x) => (float[2,1] y) { y = ReduceMean<axes=[-1]>(x) }"},
    {"Split", 11, 13, "agraph (float[6] x) => (float[2] y, float[4] z) { y, z = Split<axis=0,split=[2,4]>(x) }"},
    {"Split in equal parts", 11, 18, "agraph (float[6] x) => (float[3] y, float[3] z) { y, z = Split<axis=0>(x) }"},
    {"Clip", 7, 13, "agraph (float[9] x) => (float[9] y) { y = Clip<min=-0.25,max=0.5>(x) }"},
    {"Clip from below", 7, 13, "agraph (float[9] x) => (float[9] y) { y = Clip<min=0.125>(x) }"},
    {"Pad", 7, 13, "agraph (float[2,2] x) => (float[3,4] y) { y = Pad<pads=[1,0,0,2],value=3.0>(x) }"},
    {"Pad reflect", 7, 13, "agraph (float[2,2] x) => (float[3,3] y) { y = Pad<pads=[1,0,0,1],mode=\"reflect\">(x) }"},
    {"Slice", 9, 13, "agraph (float[4,5] x) => (float[2,5] y) { y = Slice<starts=[1],ends=[-1],axes=[0]>(x) }"},
    {"Slice of leading axes", 9, 13, "agraph (float[4,5] x) => (float[2,3] y) { y = Slice<starts=[1,2],ends=[3,9]>(x) }"},
    {"Softmax of a matrix", 11, 13, "agraph (float[2,5] x) => (float[2,5] y) { y = Softmax<axis=1>(x) }"},
    {"Softmax over three dimensions", 11, 13, "agraph (float[2,3,2,2] x) => (float[2,3,2,2] y) { y = Softmax<axis=1>(x) }"},
    {"Softmax over channels alone", 11, 13, "agraph (float[2,5,1,1] x) => (float[2,5,1,1] y) { y = Softmax<axis=1>(x) }"},
    {"LogSoftmax over everything", 11, 13, "agraph (float[2,3] x) => (float[2,3] y) { y = LogSoftmax<axis=0>(x) }"},
    {"Hardmax", 11, 13, "agraph (float[2,2,2] x) => (float[2,2,2] y) { y = Hardmax<axis=1>(x) }"},
    {"Dropout", 7, 13, "agraph (float[4] x) => (float[4] y) { y = Dropout<ratio=0.4>(x) }"},
    {"Upsample 7", 7, 13, "agraph (float[1,1,2,3] x) => (float[1,1,4,6] y) { y = Upsample<scales=[1.0,1.0,2.0,2.0]>(x) }"},
    {"Upsample linear", 7, 13,
     "agraph (float[1,1,2,3] x) => (float[1,1,4,6] y) { y = Upsample<scales=[1.0,1.0,2.0,2.0],mode=\"linear\">(x) }"},
    {"TopK", 7, 13, "agraph (float[6] x) => (float[2] y, int64[2] i) { y, i = TopK<axis=0,k=2>(x) }"},
    {"ReduceMax", 11, 18, "agraph (float[2,3] x) => (float[2,1] y) { y = ReduceMax<axes=[1]>(x) }"},
};

}  // namespace

TEST_CASE("lifting a node changes neither outputs nor public names") {
  for (const Case& test : kCases) {
    DYNAMIC_SECTION(test.what << " from " << test.from << " to " << test.to) {
      Model model = model_of(test.text, test.from);
      infer_types(model);
      std::vector<Tensor> inputs;
      for (const Node* p : model.graph->placeholders()) inputs.push_back(random_tensor(DType::float32, *p->out(0)->type.shape(), "x"));
      std::vector<std::string> names;
      for (const Value* value : model.graph->output().inputs()) names.push_back(value->name());
      const std::vector<Tensor> before = interpret(model, inputs);
      lift_to(model, test.to);
      const std::vector<Tensor> after = interpret(model, inputs);
      REQUIRE(before.size() == after.size());
      for (size_t i = 0; i < before.size(); ++i) {
        CHECK(before[i] == after[i]);
        CHECK(model.graph->output().in(i)->name() == names[i]);
      }
    }
  }
}

TEST_CASE("Resize 10 keeps its asymmetric meaning") {
  const auto scales = Tensor::of<float>({4}, {1, 1, 1.7f, 2.5f});
  for (const char* mode : {"nearest", "linear"}) {
    Model model = model_of(
        std::string("agraph (float[1,1,3,4] x, float[4] s) => (float[1,1,5,10] y) { y = Resize<mode=\"") + mode + "\">(x, s) }", 10);
    const std::vector<Tensor> inputs{random_tensor(DType::float32, {1, 1, 3, 4}, "x"), scales};
    const Tensor before = interpret(model, inputs)[0];
    lift_to(model, 13);
    CHECK(interpret(model, inputs)[0] == before);
  }
}

TEST_CASE("what cannot be lifted is named") {
  Model model =
      model_of("agraph (float[1,2,2] x, float[2,2] s) => (float[1,2,2] y) { y = BatchNormalization<spatial=0>(x, s, s, s, s) }", 7);
  CHECK_THROWS_AS(lift_to(model, 13), Error);
}
