// Every rule of causes.inc: its fault planted, the report's first node and its first cause.

#include "planted.h"

#include <catch2/catch_test_macros.hpp>
#include <limits>
#include <nlohmann/json.hpp>

using namespace qtool;
using namespace qtool::testing;

TEST_CASE("debug: nothing planted, no cause told") {
  Planted planted(three_convs());
  planted.quantize();
  const debug::Report report = planted.report();
  for (const auto& node : report.nodes) CHECK(node.causes.empty());
  CHECK(report.exactness_db > 100);
  CHECK(report.network.sqnr_db > 25);
}

TEST_CASE("debug: an outlier channel") {
  Model model = three_convs();
  auto b = weight(model, "wb").mutable_data<float>();
  for (size_t i = 0; i < 72; ++i) b[3 * 72 + i] *= 60;
  auto c = weight(model, "wc").mutable_data<float>();
  for (size_t o = 0; o < 4; ++o) c[o * 8 + 3] = 0;
  Planted planted(std::move(model), kPerTensor);
  planted.quantize();
  CHECK(first_of(planted.report()) == "b: outlier_channel");
}

TEST_CASE("debug: a clipped range, and the range rule that undoes it") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] /= 6; });
  const debug::Report report = planted.report();
  CHECK(first_of(report) == "b: clipped_range");
  const debug::NodeReport& first = *debug::ranking(report)[0];
  CHECK(first.observer == "minmax");
  CHECK(report.expected_gain.value_or(0) > 0.9);
}

TEST_CASE("debug: a range blown up by one sample") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[3, 3, 1, 1] wa, float[4, 3, 7, 7] wb, float[4, 4, 1, 1] wc) => (float[1, 4, 2, 2] y) {
      [a] p = Conv (x, wa)
      [b] q = Conv (p, wb)
      t = Tanh (q)
      [c] y = Conv (t, wc)
    })");
  add_weights(model, {"wa", "wb", "wc"});
  auto a = weight(model, "wa").mutable_data<float>();
  for (size_t i = 0; i < a.size(); ++i) a[i] = i % 4 == 0 ? 1.0f : 0.0f;  // p is x
  for (float& value : weight(model, "wb").mutable_data<float>()) value = 0.9f + 0.1f * value;
  Planted planted(std::move(model));
  planted.write_sample(5, Tensor::of<float>({1, 3, 8, 8}, std::vector<float>(192, 0.99f)));  // adds up in b alone
  planted.quantize();
  const debug::Report report = planted.report();
  const debug::NodeReport& first = *debug::ranking(report)[0];
  CHECK(first_of(report) == "b: one_sample");
  CHECK(first.causes[0].text.find("s5.npz") != std::string::npos);
}

TEST_CASE("debug: a scale shared across a Concat") {
  Model model = model_of(R"(
    g (float[1, 3, 8, 8] x, float[7, 3, 3, 3] wa, float[1, 3, 3, 3] wb, float[1] bb, float[4, 8, 1, 1] wc) => (float[1, 4, 6, 6] y) {
      [a] p = Conv (x, wa)
      [b] q = Conv (x, wb, bb)
      [join] j = Concat <axis = 1> (p, q)
      [c] y = Conv (j, wc)
    })");
  add_weights(model, {"wa", "wb", "bb", "wc"});
  weight(model, "bb").mutable_data<float>()[0] = 60;
  for (size_t o = 0; o < 4; ++o) weight(model, "wc").mutable_data<float>()[o * 8 + 7] = 0;
  Planted planted(std::move(model));
  planted.quantize();
  const float scale = planted.params("q").scale() * 1.3f;
  for (const char* name : {"p", "q"})
    planted.requantize(name, [&](QuantParams& params) {
      params.scales[0] = scale;
      params.zero_points[0] = 50;
    });
  CHECK(first_of(planted.report()) == "a: shared_scale");
}

TEST_CASE("debug: codes for negative values behind a ReLU") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) {
    params.scales[0] *= 3;
    params.zero_points[0] = 170;
  });
  CHECK(first_of(planted.report()) == "b: relu_zero_point");
}

TEST_CASE("debug: a bias that overflowed") {
  Planted planted(three_convs());
  planted.quantize();
  for (Node& node : planted.int8.graph->nodes())
    if (node.kind() == NodeKind::get_attr && node.out(0)->name() == "bb_q")
      node.weight->tensor.mutable_data<int32_t>()[2] = std::numeric_limits<int32_t>::min();
  CHECK(first_of(planted.report()) == "b: bias_overflow");
}

TEST_CASE("debug: a saturating instruction set") {
  Model model = three_convs();
  for (const char* name : {"wa", "wc"}) {  // neighbours of nothing: no pair of products overflows
    auto values = weight(model, name).mutable_data<float>();
    for (size_t i = 1; i < values.size(); i += 2) values[i] = 0;
  }
  for (float& value : weight(model, "wb").mutable_data<float>()) value = 0.9f + 0.1f * value;
  Planted planted(std::move(model));
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] *= 12; });  // b costs most
  debug::SensitivityOptions options;
  options.saturates = true;
  const debug::Report report = planted.report(options);
  CHECK(first_of(report) == "b: saturating_products");
  for (const debug::NodeReport& node : report.nodes)
    if (node.name == "a" || node.name == "c") CHECK(node.causes.empty());
  options.saturates = false;
  CHECK(first_of(planted.report(options)) != "b: saturating_products");
}

TEST_CASE("debug: too few calibration samples") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] *= 0.7f; });
  CHECK(first_of(planted.report()) == "b: few_samples");
}

TEST_CASE("debug: a tiny range") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] *= 15; });
  CHECK(first_of(planted.report()) == "b: tiny_range");
}

TEST_CASE("debug: a residual path that accumulates") {
  std::string text = "g (float[1, 3, 8, 8] x", body, last = "x";
  std::vector<std::string> weights;
  for (int i = 1; i <= 6; ++i) {
    const std::string n = std::to_string(i), next = i == 6 ? "y" : "h" + n;
    weights.push_back("w" + n);
    text += ", float[3, 3, 1, 1] w" + n;
    body += "[c" + n + "] p" + n + " = Conv (" + last + ", w" + n + ")\n[a" + n + "] " + next + " = Add (" + last + ", p" + n + ")\n";
    last = next;
  }
  Model model = model_of(text + ") => (float[1, 3, 8, 8] y) {" + body + "}");
  add_weights(model, weights);
  for (const std::string& name : weights)
    for (float& value : weight(model, name).mutable_data<float>()) value *= 0.1f;
  Planted planted(std::move(model));
  planted.quantize();
  for (int i = 1; i <= 5; ++i)
    planted.requantize("h" + std::to_string(i), [&](QuantParams& params) { params.scales[0] *= 2 + 0.4f * static_cast<float>(i); });
  CHECK(first_of(planted.report()) == "a5: residual_path");
}

TEST_CASE("debug: files that do not belong together") {
  Planted planted(three_convs());
  planted.quantize();
  SECTION("other weights") {
    for (const char* name : {"wa", "wb", "wc"})
      weight(planted.real, name) = random_tensor(DType::float32, weight(planted.real, name).shape(), name, 7);
    CHECK_THROWS_AS(planted.report(), Error);
  }
  SECTION("no Q/DQ") {
    planted.int8 = copy(planted.real);
    CHECK_THROWS_AS(planted.report(), Error);
  }
  SECTION("an operator damaged") {
    Node& relu = planted.real.graph->find("qa")->producer();
    relu.op = "Neg";
    CHECK_THROWS_AS(planted.report(), Error);
  }
}

TEST_CASE("debug: the report does not depend on threads") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] /= 6; });
  debug::SensitivityOptions two;
  two.threads = 2;
  CHECK(debug::to_json(planted.report()).dump() == debug::to_json(planted.report(two)).dump());
}

TEST_CASE("debug: flags of a report, edited, measured and written as a qconfig") {
  Planted planted(three_convs());
  planted.quantize();
  planted.requantize("qa", [](QuantParams& params) { params.scales[0] /= 6; });
  const debug::Flags flags = debug::flags_of(
      R"({"nodes": [{"name": "a", "editable": true, "float": true}, {"name": "b", "editable": true, "observer": "minmax"}]})", "r.json");
  debug::SensitivityOptions options;
  options.flags = &flags;
  const debug::Report report = planted.report(options);
  CHECK(report.expected_gain.value_or(0) > 0.9);
  const auto json = nlohmann::json::parse(debug::qconfig_with(report, planted.int8));
  CHECK(json["module_name"]["a"].is_null());
  CHECK(json["module_name"]["b"]["activation"]["observer"] == "minmax");
  QConfigMapping::parse(json.dump(), "q.json");
  CHECK_THROWS_AS(debug::flags_of(R"({"nodes": [{"name": "a", "editable": true, "observer": "best"}]})", "r.json"), Error);
  const debug::Flags unknown{{"z", {true, ""}}};
  options.flags = &unknown;
  CHECK_THROWS_AS(planted.report(options), Error);
}
