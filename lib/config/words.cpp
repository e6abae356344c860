#include "config/words.h"

namespace qtool {
namespace words {
namespace {

constexpr Word<DType> kActivationTypes[] = {{"int8", DType::int8},     {"uint8", DType::uint8}, {"int16", DType::int16},
                                            {"uint16", DType::uint16}, {"int4", DType::int4},   {"uint4", DType::uint4},
                                            {"float", DType::float32}};
constexpr Word<DType> kBiasTypes[] = {{"int32", DType::int32}, {"float", DType::float32}};
constexpr Word<QScheme> kSchemes[] = {{"per_tensor_affine", QScheme::per_tensor_affine},
                                      {"per_tensor_symmetric", QScheme::per_tensor_symmetric},
                                      {"per_channel_affine", QScheme::per_channel_affine},
                                      {"per_channel_symmetric", QScheme::per_channel_symmetric}};
constexpr Word<ObservationType> kObservationTypes[] = {
    {"OUTPUT_USE_DIFFERENT_OBSERVER_AS_INPUT", ObservationType::output_use_different_observer_as_input},
    {"OUTPUT_SHARE_OBSERVER_WITH_INPUT", ObservationType::output_share_observer_with_input},
    {"INPUT_OUTPUT_NOT_OBSERVED", ObservationType::input_output_not_observed}};
constexpr Word<Placement::Tensors> kPlacements[] = {{"every_tensor", Placement::Tensors::every_tensor},
                                                    {"inputs_only", Placement::Tensors::inputs_only}};
constexpr Word<Placement::ReluZeroPoint> kReluZeroPoints[] = {{"qmin", Placement::ReluZeroPoint::qmin},
                                                              {"free", Placement::ReluZeroPoint::free}};
constexpr Word<Placement::Bias> kBiases[] = {{"int32_dq", Placement::Bias::int32_dq}, {"float", Placement::Bias::float32}};
constexpr Word<Placement::AddInputs> kAddInputs[] = {{"both", Placement::AddInputs::both}, {"skip_only", Placement::AddInputs::skip_only}};
constexpr Word<Placement::Constants> kConstants[] = {{"quantized", Placement::Constants::quantized},
                                                     {"float", Placement::Constants::float32}};
constexpr Word<std::string_view> kFuserMethods[] = {{"none", "none"},
                                                    {"fold_bn", "fold_bn"},
                                                    {"fold_bn_forward", "fold_bn_forward"},
                                                    {"fold_mul", "fold_mul"},
                                                    {"fold_add", "fold_add"},
                                                    {"fold_pad", "fold_pad"},
                                                    {"fold_alpha", "fold_alpha"},
                                                    {"bn_to_conv", "bn_to_conv"},
                                                    {"div_to_mul", "div_to_mul"},
                                                    {"sub_to_add", "sub_to_add"},
                                                    {"to_gemm", "to_gemm"}};

#define QTOOL_OBSERVER(name, per_channel) {name, {name, per_channel}},
constexpr Word<ObserverKind> kObservers[] = {
#include "config/observers.inc"
};
#undef QTOOL_OBSERVER

}  // namespace

std::span<const Word<DType>> activation_types() { return kActivationTypes; }
std::span<const Word<DType>> bias_types() { return kBiasTypes; }
std::span<const Word<QScheme>> schemes() { return kSchemes; }
std::span<const Word<ObservationType>> observation_types() { return kObservationTypes; }
std::span<const Word<Placement::Tensors>> placements() { return kPlacements; }
std::span<const Word<Placement::ReluZeroPoint>> relu_zero_points() { return kReluZeroPoints; }
std::span<const Word<Placement::Bias>> biases() { return kBiases; }
std::span<const Word<Placement::AddInputs>> add_inputs() { return kAddInputs; }
std::span<const Word<Placement::Constants>> constant_operands() { return kConstants; }
std::span<const Word<std::string_view>> fuser_methods() { return kFuserMethods; }
std::span<const Word<ObserverKind>> observers() { return kObservers; }

}  // namespace words

std::string_view name_of(QScheme scheme) {
  for (const auto& [word, value] : words::schemes())
    if (value == scheme) return word;
  return {};
}

std::string_view name_of(ObservationType type) {
  for (const auto& [word, value] : words::observation_types())
    if (value == type) return word;
  return {};
}

}  // namespace qtool
