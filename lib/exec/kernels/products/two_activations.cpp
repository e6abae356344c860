// MatMul of two activations, batches broadcast: the right-hand side is packed at run time. Of codes both zero points are taken out of the
// sums by the sums of rows and columns.

#include <algorithm>

#include "exec/kernels/parallel.h"
#include "exec/kernels/products/code_side.h"
#include "exec/kernels/products/float_side.h"
#include "exec/kernels/products/kernel_products.h"
#include "exec/kernels/products/passes.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {
namespace {

/// Matrices of one run: [batch.., m, k] x [batch.., k, n].
struct Matrices {
  Shape batch, a_batch, b_batch;
  int64_t m, k, n;

  Matrices(Shape a, Shape b) {
    if (a.size() < 2 || b.size() < 2 || a.back() != b[b.size() - 2]) throw CannotRun("other inner dimensions");
    m = a[a.size() - 2], k = a.back(), n = b.back();
    if (k > kDeepest) throw CannotRun("deeper than the kernel sums up");
    const size_t rank = std::max(a.size(), b.size());
    a = padded_shape(a, rank), b = padded_shape(b, rank);
    a_batch.assign(a.begin(), a.end() - 2), b_batch.assign(b.begin(), b.end() - 2);
    batch = broadcast(a_batch, b_batch);
  }

  Shape out() const {
    Shape shape = batch;
    shape.insert(shape.end(), {m, n});
    return shape;
  }

  /// Which of an operand's matrices takes part in product `index`.
  int64_t matrix(const Shape& own, int64_t index) const {
    int64_t result = 0, step = 1;
    for (size_t d = batch.size(); d-- > 0; index /= batch[d]) {
      result += own[d] == 1 ? 0 : index % batch[d] * step;
      step *= own[d];
    }
    return result;
  }
};

class TwoActivations : public Step {
 public:
  TwoActivations(const Cluster& cluster, const Ending& ending, const CodeKernel& kernel)
      : kernel_(kernel),
        first_(input_index(cluster, cluster.inputs[0])),
        second_(input_index(cluster, cluster.inputs[1])),
        a_(*cluster.inputs[0].params),
        b_(*cluster.inputs[1].params),
        ending_(ending),
        factor_(static_cast<float>(static_cast<double>(a_.scale()) * b_.scale() / ending.scale)) {}

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Array &a = *inputs[static_cast<size_t>(first_)], &b = *inputs[static_cast<size_t>(second_)];
    expect_type(a, a_.dtype);
    expect_type(b, b_.dtype);
    const Matrices sizes(a.tensor.shape(), b.tensor.shape());
    outputs[0] = {context.pool.tensor(ending_.dtype, sizes.out()), Layout::plain};
    if (outputs[0].tensor.size() == 0 || sizes.k == 0) return;
    const RowCodes codes(a.tensor, kernel_.flips(a_.dtype), context);
    std::byte* out = outputs[0].tensor.mutable_bytes();
    const int64_t count = element_count(sizes.batch), width = static_cast<int64_t>(element_size(ending_.dtype));
    in_parts(context.threads, count, count * sizes.m * sizes.k * sizes.n / 16, [&](int64_t begin, int64_t end) {
      Scratch scratch(kernel_, sizes);
      for (int64_t i = begin; i < end; ++i)
        multiply(sizes, codes.data() + sizes.matrix(sizes.a_batch, i) * sizes.m * sizes.k,
                 codes_in(b) + sizes.matrix(sizes.b_batch, i) * sizes.k * sizes.n, out + i * sizes.m * sizes.n * width, scratch);
    });
  }

  std::string kernel() const override { return gemm_name(kernel_, true); }

 private:
  struct Scratch {
    kernels::GemmPacking packing;
    std::vector<int8_t> packed;
    std::vector<int32_t> start, row_start;
    std::vector<float> scale;
    Scratch(const CodeKernel& kernel, const Matrices& sizes)
        : packing(kernel.packing(static_cast<size_t>(sizes.n), 1, static_cast<size_t>(sizes.k))),
          packed(packing.size()),
          start(packing.padded_n()),
          row_start(static_cast<size_t>(sizes.m)),
          scale(packing.padded_n()) {}
  };

  void multiply(const Matrices& sizes, const int8_t* a, const uint8_t* b, void* out, Scratch& scratch) const {
    const auto m = static_cast<size_t>(sizes.m), k = static_cast<size_t>(sizes.k), n = static_cast<size_t>(sizes.n);
    const int32_t a_zero = kernel_.zero_point(a_.dtype, a_.zero_point()), b_zero = b_.zero_point() - (b_.dtype == DType::uint8 ? 128 : 0);
    const uint8_t flip = b_.dtype == DType::uint8 ? 0x80 : 0;
    kernels::best<kernels::GemmPack>().run({b, 0, n, 1, flip, scratch.packing, scratch.packed.data(), scratch.start.data()});
    for (int32_t& start : scratch.start) start = -a_zero * start + a_zero * b_zero * static_cast<int32_t>(k);
    std::fill(scratch.scale.begin(), scratch.scale.end(), factor_);
    if (b_zero != 0) sum_rows({a, k, m, k, -b_zero, scratch.row_start.data()});
    kernels::GemmArgs args{};
    args.a = a, args.a_stride = k, args.m = m;
    args.packing = scratch.packing, args.b = scratch.packed.data(), args.b_lowest = true;
    args.start = scratch.start.data(), args.row_start = b_zero != 0 ? scratch.row_start.data() : nullptr;
    args.scale = scratch.scale.data();
    args.form = ending_.form, args.out_zero_point = ending_.zero_point, args.lo = ending_.lo, args.hi = ending_.hi;
    args.out = out, args.out_stride = n;
    kernel_.run(args);
  }

  void sum_rows(const kernels::RowSumsArgs& args) const {
    kernel_.is_unsigned ? kernels::best<kernels::RowSumsU8>().run(args) : kernels::best<kernels::RowSums>().run(args);
  }

  const CodeKernel& kernel_;
  const int first_, second_;
  const QuantParams a_, b_;
  const Ending ending_;
  const float factor_;
};

/// The same on floats.
class TwoFloats : public Step {
 public:
  TwoFloats(const Cluster& head, const Bounds& bounds)
      : first_(input_index(head, head.inputs[0])), second_(input_index(head, head.inputs[1])), bounds_(bounds) {}

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    const Array &a = *inputs[static_cast<size_t>(first_)], &b = *inputs[static_cast<size_t>(second_)];
    expect_type(a, DType::float32);
    expect_type(b, DType::float32);
    const Matrices sizes(a.tensor.shape(), b.tensor.shape());
    outputs[0] = {context.pool.tensor(DType::float32, sizes.out()), Layout::plain};
    if (outputs[0].tensor.size() == 0 || sizes.k == 0) throw CannotRun("empty");
    float* out = floats_out(outputs[0]);
    const int64_t count = element_count(sizes.batch);
    in_parts(context.threads, count, count * sizes.m * sizes.k * sizes.n / 4, [&](int64_t begin, int64_t end) {
      const kernels::FloatGemmPacking packing{static_cast<size_t>(sizes.n), 1, static_cast<size_t>(sizes.k)};
      std::vector<float> packed(packing.size()), zeros(packing.padded_n());
      for (int64_t i = begin; i < end; ++i) {
        pack(floats_in(b) + sizes.matrix(sizes.b_batch, i) * sizes.k * sizes.n, packing, packed);
        kernels::best<kernels::FloatGemm>().run({floats_in(a) + sizes.matrix(sizes.a_batch, i) * sizes.m * sizes.k, packing.depth, nullptr,
                                                 0, static_cast<size_t>(sizes.m), packing, packed.data(), zeros.data(), bounds_.low,
                                                 bounds_.high, out + i * sizes.m * sizes.n, packing.n});
      }
    });
  }

  std::string kernel() const override { return std::string(kernels::best<kernels::FloatGemm>().name); }

 private:
  static void pack(const float* b, const kernels::FloatGemmPacking& packing, std::vector<float>& packed) {
    for (size_t n = 0; n < packing.n; n += packing.kColumns)
      for (size_t k = 0; k < packing.depth; ++k)
        std::copy_n(b + k * packing.n + n, std::min(packing.kColumns, packing.n - n), packed.data() + packing.index(0, k, n));
  }

  const int first_, second_;
  const Bounds bounds_;
};

LowerResult lower_two_floats(const Model& model, const Cluster& cluster) {
  std::string reason;
  auto divided = divide(model, cluster, HeadKind::clamped_floats, 0, reason);
  const auto bounds = divided ? kernel_bounds(divided->head, 0) : std::nullopt;
  if (!bounds) return Declined{divided ? "no kernel for a clamp like this" : reason};
  auto step = std::make_unique<TwoFloats>(divided->head, *bounds);
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace

LowerResult lower_two_activations(const Model& model, const Cluster& cluster, const CodeKernel& kernel) {
  if (!cluster.inputs[0].quantized() && !cluster.inputs[1].quantized()) return lower_two_floats(model, cluster);
  if (!per_tensor_8bit(cluster.inputs[0]) || !per_tensor_8bit(cluster.inputs[1])) return Declined{"operands are not per-tensor 8-bit"};
  std::string reason;
  auto divided = divide(model, cluster, HeadKind::codes, 0, reason);
  const auto ending = divided ? ending_of(divided->head, 0) : std::nullopt;
  if (!ending) return Declined{divided ? "no kernel for what follows" : reason};
  auto step = std::make_unique<TwoActivations>(divided->head, *ending, kernel);
  return with_passes({std::move(step), LayoutRule::plain}, std::move(*divided));
}

}  // namespace qtool::lowerings
