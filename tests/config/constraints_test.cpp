#include <catch2/catch_test_macros.hpp>

#include "config/backend.h"

using namespace qtool;
using Reasons = std::vector<std::string>;

namespace {

ObserverSpec spec(DType dtype, CodeRange codes, QScheme scheme = QScheme::per_tensor_affine) {
  ObserverSpec result;
  result.observer = "minmax";
  result.dtype = dtype;
  result.codes = codes;
  result.qscheme = scheme;
  return result;
}

ObserverSpec fixed(float scale, int32_t zero_point) {
  auto result = spec(DType::uint8, {0, 255});
  result.observer = "fixed_qparams";
  result.scale = scale;
  result.zero_point = zero_point;
  return result;
}

}  // namespace

TEST_CASE("constraints: each reason names field, value and bound") {
  DTypeConstraint small{.dtype = DType::uint8, .quant_min_lower_bound = 1, .quant_max_upper_bound = 127, .scale_min_lower_bound = 0x1p-12};
  CHECK(check_constraints(spec(DType::uint8, {0, 255}), small) ==
        Reasons{"quant_min 0 is below the backend's quant_min_lower_bound 1",
                "quant_max 255 is above the backend's quant_max_upper_bound 127",
                "eps 1.1920929e-07 is below the backend's scale_min_lower_bound 0.00024414062"});
  auto good = spec(DType::uint8, {1, 127});
  good.eps = 0x1p-12f;
  CHECK(check_constraints(good, small).empty());
}

TEST_CASE("constraints: another type is the only reason") {
  CHECK(check_constraints(spec(DType::int8, {-128, 127}), {.dtype = DType::uint8, .quant_max_upper_bound = 1}) ==
        Reasons{"dtype int8 is not the backend's uint8"});
  CHECK(check_constraints(ObserverSpec{}, {.dtype = DType::float32}).empty());
}

TEST_CASE("constraints: exact scale and zero point") {
  const DTypeConstraint softmax{.dtype = DType::uint8, .scale_exact_match = 1.0 / 256, .zero_point_exact_match = 0};
  CHECK(check_constraints(fixed(1.0f / 256, 0), softmax).empty());
  CHECK(check_constraints(fixed(0.5f, 1), softmax) == Reasons{"scale 0.5 is not the backend's scale_exact_match 0.00390625",
                                                              "zero_point 1 is not the backend's zero_point_exact_match 0"});
  CHECK(check_constraints(spec(DType::uint8, {0, 255}), softmax) ==
        Reasons{"observer minmax has no fixed scale, the backend's scale_exact_match is 0.00390625",
                "qscheme per_tensor_affine has no fixed zero_point, the backend's zero_point_exact_match 0 needs a symmetric one"});
}

TEST_CASE("constraints: a symmetric scheme has the zero point of its type") {
  const DTypeConstraint zero{.dtype = DType::int8, .zero_point_exact_match = 0};
  CHECK(check_constraints(spec(DType::int8, {-127, 127}, QScheme::per_channel_symmetric), zero).empty());
  CHECK(check_constraints(spec(DType::uint8, {0, 255}, QScheme::per_tensor_symmetric),
                          {.dtype = DType::uint8, .zero_point_exact_match = 0}) ==
        Reasons{"zero_point 128 is not the backend's zero_point_exact_match 0"});
}

TEST_CASE("constraints: scale_max_upper_bound holds for what is known") {
  const DTypeConstraint most{.dtype = DType::uint8, .scale_max_upper_bound = 0.25};
  CHECK(check_constraints(fixed(0.5f, 0), most) == Reasons{"scale 0.5 is above the backend's scale_max_upper_bound 0.25"});
  CHECK(check_constraints(spec(DType::uint8, {0, 255}), most).empty());
}
