#include "quantize/stored_weights.h"

#include <algorithm>

#include "observe/range.h"

namespace qtool {
namespace {

/// The weight as rows of one group each: [outer * inner * groups, block], the last group of a row filled up with zeros.
struct Rows {
  int64_t outer = 1, length = 1, inner = 1, block = 1, groups = 1;

  Rows(const Shape& shape, int axis, int64_t group_size) {
    for (size_t i = 0; i < shape.size(); ++i)
      (static_cast<int>(i) < axis ? outer : static_cast<int>(i) == axis ? length : inner) *= shape[i];
    block = std::max<int64_t>(1, std::min(group_size > 0 ? group_size : length, length));
    groups = (length + block - 1) / block;
  }

  /// f(index in the weight, index in the rows)
  template <class F>
  void for_each(F&& f) const {
    for (int64_t o = 0; o < outer; ++o)
      for (int64_t k = 0; k < length; ++k)
        for (int64_t i = 0; i < inner; ++i) f((o * length + k) * inner + i, group(o, k / block, i) * block + k % block);
  }
  /// Groups lie as in the tensor of scales: [outer, groups, inner].
  int64_t group(int64_t o, int64_t g, int64_t i) const { return (o * groups + g) * inner + i; }

  Tensor split(const Tensor& weight) const {
    Tensor rows = Tensor::zeros(DType::float32, {outer * groups * inner, block});
    auto to = rows.mutable_data<float>();
    const auto from = weight.floats();
    for_each([&](int64_t at, int64_t row) { to[static_cast<size_t>(row)] = from[static_cast<size_t>(at)]; });
    return rows;
  }

  Tensor joined(const Tensor& rows, const Shape& shape) const {
    Tensor codes(rows.dtype(), shape);
    auto* to = codes.mutable_bytes();  // 8 bits or fewer: one byte an element
    for_each([&](int64_t at, int64_t row) { to[at] = rows.bytes()[row]; });
    return codes;
  }
};

bool all_zero(const std::vector<int32_t>& values) {
  return std::all_of(values.begin(), values.end(), [](int32_t value) { return value == 0; });
}

}  // namespace

Tensor transposed_matrix(const Tensor& matrix) {
  Shape shape = matrix.shape();
  const int64_t rows = shape[shape.size() - 2], columns = shape.back(), count = matrix.size() == 0 ? 0 : matrix.size() / (rows * columns);
  std::swap(shape[shape.size() - 2], shape.back());
  Tensor result(DType::float32, shape);
  auto to = result.mutable_data<float>();
  const auto from = matrix.floats();
  for (int64_t m = 0; m < count; ++m)
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        to[static_cast<size_t>((m * columns + c) * rows + r)] = from[static_cast<size_t>((m * rows + r) * columns + c)];
  return result;
}

GroupedCodes quantize_in_groups(const Tensor& weight, const ObserverSpec& spec, int axis) {
  const Rows layout(weight.shape(), axis, spec.group_size);
  const Tensor rows = layout.split(weight);
  const RangeOptions options{spec.codes, is_symmetric(spec.qscheme), spec.bins, spec.percentile, spec.averaging_constant};
  const QuantParams params = params_of_ranges(choose_weight_ranges(spec.observer, rows, 0, options), 0, spec.dtype, spec.codes,
                                              options.symmetric, spec.eps, spec.power_of_two);
  GroupedCodes made{layout.joined(quantize(rows, params, spec.codes), weight.shape()), {}, {}, axis, layout.block};
  Shape shape = weight.shape();
  shape[static_cast<size_t>(axis)] = layout.groups;
  made.scales = Tensor::of<float>(shape, params.scales);
  if (!all_zero(params.zero_points)) made.zero_points = Tensor::of<int32_t>(shape, params.zero_points).cast(spec.dtype);
  return made;
}

void StoredWeights::store(const StoredTable& table) {
  Value& original = *table.call->in(table.input);
  table.call->graph().set_input(*table.call, table.input, &real_of(original, table));
}

Value& StoredWeights::real_of(Value& original, const StoredTable& table) {
  for (const Kept& kept : kept_)
    if (kept.original == &original && kept.spec == table.spec && kept.axis == table.axis && kept.group_axis == table.group_axis)
      return *kept.real;
  const Tensor weight = *original.constant();
  Value* real = nullptr;
  if (table.spec.group_size > 0) {
    real = &grouped(take_name(original), quantize_in_groups(weight, table.spec, table.group_axis));
  } else {
    const ConstantParams chosen = weight_params(weight, table.spec, table.axis, placement_);
    real = &nodes_.constant(take_name(original), quantize(weight, chosen.params, chosen.codes), chosen.params);
  }
  kept_.push_back({&original, table.spec, table.axis, table.group_axis, real});
  return *real;
}

Value& StoredWeights::grouped(const std::string& name, const GroupedCodes& made) {
  std::vector<Value*> inputs{main_.add_weight(main_.fresh_name(name + "_q"), made.codes).out(0),
                             main_.add_weight(main_.fresh_name(name + "_scale"), made.scales).out(0)};
  if (made.zero_points.defined()) inputs.push_back(main_.add_weight(main_.fresh_name(name + "_zero_point"), made.zero_points).out(0));
  Value& real = main_.call("DequantizeLinear", inputs, main_.fresh_name(name), &main_.place_after(*inputs[0]));
  Node& node = real.producer();
  node.name = main_.fresh_name(name + "_dequantize");
  node.set_attribute("axis", static_cast<int64_t>(made.axis));
  node.set_attribute("block_size", made.block);
  real.type = ValueType::of(DType::float32, made.codes.shape());
  return real;
}

Value& StoredWeights::constant(const std::string& name, Tensor value) {
  Value*& made = constants_[name];
  if (!made) made = main_.add_weight(main_.fresh_name(name), std::move(value)).out(0);
  return *made;
}

StoredWeights::Codes StoredWeights::codes(Value& original, const ObserverSpec& spec, int axis, bool transposed, float factor) {
  for (const KeptCodes& kept : kept_codes_)
    if (kept.original == &original && kept.spec == spec && kept.transposed == transposed && kept.factor == factor) return kept.codes;
  const std::string name = take_name(original);
  const Tensor weight = transposed ? transposed_matrix(*original.constant()) : *original.constant();
  const ConstantParams chosen = weight_params(weight, spec, axis, placement_);
  std::vector<float> scales = chosen.params.scales;
  for (float& scale : scales) scale *= factor;
  const Shape shape = chosen.params.per_channel() ? Shape{static_cast<int64_t>(scales.size())} : Shape{};
  Codes made{};
  made.codes = main_.add_weight(main_.fresh_name(name + "_q"), quantize(weight, chosen.params, chosen.codes)).out(0);
  made.scale = main_.add_weight(main_.fresh_name(name + "_scale"), Tensor::of<float>(shape, scales)).out(0);
  made.zero_point =
      all_zero(chosen.params.zero_points)
          ? nullptr
          : main_.add_weight(main_.fresh_name(name + "_zero_point"), Tensor::of<int32_t>(shape, chosen.params.zero_points).cast(spec.dtype))
                .out(0);
  kept_codes_.push_back({&original, spec, transposed, factor, made});
  return made;
}

std::string StoredWeights::take_name(Value& original) {
  const auto found = names_.find(&original);
  if (found != names_.end()) return found->second;
  const std::string name = original.name();
  Graph& graph = original.producer().graph();
  graph.rename(original, graph.fresh_name(name + "_float"));
  return names_[&original] = name;
}

}  // namespace qtool
