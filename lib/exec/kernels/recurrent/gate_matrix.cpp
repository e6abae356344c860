#include "exec/kernels/recurrent/gate_matrix.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tensor/quant_math.h"

namespace qtool::lowerings {
namespace {

constexpr int64_t kRows = 96;        ///< at once: a multiple of every tile
constexpr size_t kPanelsAtOnce = 6;  ///< the widest tile of FloatGemm
constexpr float kInfinity = std::numeric_limits<float>::infinity();

const CodeKernel& code_kernel() {
  const CodeKernel* for_unsigned = unsigned_kernel();
  return for_unsigned ? *for_unsigned : signed_kernel();
}

QuantParams params_of(const float* row, int64_t k) {
  float lo = 0, hi = 0;
  kernels::best<kernels::Extremes>().run({row, static_cast<size_t>(k), &lo, &hi});
  return dynamic_params(lo, hi);
}

/// Codes of u8, or of s8 128 lower, as `zero_point` says.
void quantize_row(const float* row, uint8_t* codes, int64_t k, float scale, int32_t zero_point, bool is_unsigned) {
  const int32_t lo = is_unsigned ? 0 : -128;
  kernels::best<kernels::Quantize>().run({row, codes, static_cast<size_t>(k), scale, zero_point, lo, lo + 255});
}

void round_row(const float* row, float* to, uint8_t* codes, int64_t k) {
  const QuantParams params = params_of(row, k);
  quantize_row(row, codes, k, params.scale(), params.zero_point(), true);
  kernels::best<kernels::Dequantize>().run({codes, to, static_cast<size_t>(k), params.scale(), params.zero_point(), false});
}

/// out += in times panels.
void add_panels(const kernels::FloatGemmPacking& packing, const float* in, const float* panels, float* out, int64_t rows, int64_t stride) {
  const size_t n = packing.n, k = packing.depth;
  thread_local std::vector<float> product, start;  // start: zeros
  if (product.size() < static_cast<size_t>(rows) * n) product.resize(static_cast<size_t>(rows) * n);
  if (start.size() < packing.padded_n()) start.resize(packing.padded_n(), 0.0f);
  kernels::best<kernels::FloatGemm>().run(
      {in, k, nullptr, 0, static_cast<size_t>(rows), packing, panels, start.data(), -kInfinity, kInfinity, product.data(), n});
  for (int64_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < n; ++i) out[row * stride + static_cast<int64_t>(i)] += product[static_cast<size_t>(row) * n + i];
}

}  // namespace

GateProducts best_products_of_codes() { return code_kernel().isa == kernels::Isa::scalar ? GateProducts::rounded : GateProducts::codes; }

std::string GateMatrix::kernel(const GateSource& source) {
  const GateProducts products = source.products;
  if (products == GateProducts::codes) return std::string(code_kernel().name);
  if (source.packed) return source.packed->kernel();
  return std::string(kernels::best<kernels::FloatGemm>().name) + (products == GateProducts::rounded ? "+rounded" : "");
}

GateMatrix::GateMatrix(const GateSource& source, int64_t first, int64_t last, int64_t k)
    : products_(source.products), k_(k), n_(last - first) {
  if (n_ * k_ == 0) return;
  if (products_ == GateProducts::packed)
    packed_ = source.packed->columns(first, last);
  else if (products_ == GateProducts::codes)
    pack_codes(source.weights + first * k, source.scales + first);
  else
    pack_floats(source.weights + first * k);
}

void GateMatrix::pack_floats(const float* weights) {
  const kernels::FloatGemmPacking packing{static_cast<size_t>(n_), 1, static_cast<size_t>(k_)};
  panels_.assign(packing.size(), 0);
  for (int64_t n = 0; n < n_; ++n)
    for (int64_t i = 0; i < k_; ++i) {
      const float weight = weights[n * k_ + i];
      panels_[packing.index(0, static_cast<size_t>(i), static_cast<size_t>(n))] = weight;
    }
}

void GateMatrix::pack_codes(const float* weights, const float* scales) {
  packing_ = code_kernel().packing(static_cast<size_t>(n_), 1, static_cast<size_t>(k_));
  codes_.assign(packing_.size(), 0);
  sums_.assign(packing_.padded_n(), 0);
  scales_.assign(scales, scales + n_);
  for (int64_t n = 0; n < n_; ++n)
    for (int64_t i = 0; i < k_; ++i) {
      const auto code = static_cast<int8_t>(std::lrint(weights[n * k_ + i] / scales[n]));
      codes_[packing_.index(0, static_cast<size_t>(i), static_cast<size_t>(n))] = code;
      sums_[static_cast<size_t>(n)] += code;
      lowest_ |= code == -128;
    }
}

void GateMatrix::add_product(const float* in, float* out, int64_t rows, int64_t stride) const {
  if (n_ * k_ == 0) return;
  for (int64_t row = 0; row < rows; row += kRows) {
    const int64_t part = std::min(kRows, rows - row);
    if (packed_)
      add_packed(in + row * k_, out + row * stride, part, stride);
    else if (products_ == GateProducts::codes)
      add_codes(in + row * k_, out + row * stride, part, stride);
    else
      add_floats(in + row * k_, out + row * stride, part, stride);
  }
}

void GateMatrix::add_floats(const float* in, float* out, int64_t rows, int64_t stride) const {
  const auto k = static_cast<size_t>(k_), n = static_cast<size_t>(n_);
  std::vector<float> rounded;
  if (products_ == GateProducts::rounded) {
    std::vector<uint8_t> codes(k);
    rounded.resize(static_cast<size_t>(rows) * k);
    for (int64_t row = 0; row < rows; ++row) round_row(in + row * k_, rounded.data() + row * k_, codes.data(), k_);
    in = rounded.data();
  }
  add_panels({n, 1, k}, in, panels_.data(), out, rows, stride);
}

void GateMatrix::add_packed(const float* in, float* out, int64_t rows, int64_t stride) const {
  std::visit(
      [&](const auto& codes) {
        const kernels::FloatGemmPacking& packing = codes.packing();
        if (rows == 1) return codes.multiply({in, packing, nullptr, 0, out, -kInfinity, kInfinity, out}, 0);
        constexpr size_t kPanel = kernels::FloatGemmPacking::kColumns;
        thread_local std::vector<float> widened;
        if (widened.size() < kPanelsAtOnce * packing.panel_size()) widened.resize(kPanelsAtOnce * packing.panel_size());
        for (size_t panel = 0; panel < packing.panels(); panel += kPanelsAtOnce) {
          const size_t end = std::min(panel + kPanelsAtOnce, packing.panels());
          for (size_t p = panel; p < end; ++p) codes.widen(p, widened.data() + (p - panel) * packing.panel_size());
          const size_t columns = std::min(packing.n, end * kPanel) - panel * kPanel;
          add_panels({columns, 1, packing.depth}, in, widened.data(), out + panel * kPanel, rows, stride);
        }
      },
      *packed_);
}

void GateMatrix::add_codes(const float* in, float* out, int64_t rows, int64_t stride) const {
  const CodeKernel& kernel = code_kernel();
  const auto k = static_cast<size_t>(k_), n = static_cast<size_t>(n_);
  std::vector<uint8_t> codes(static_cast<size_t>(rows) * k);
  std::vector<int32_t> sums(static_cast<size_t>(rows) * n), start(packing_.padded_n(), 0);
  std::vector<float> scales(static_cast<size_t>(rows));
  std::vector<int32_t> zero_points(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const auto at = static_cast<size_t>(row);
    const QuantParams params = params_of(in + row * k_, k_);
    scales[at] = params.scale(), zero_points[at] = kernel.zero_point(DType::uint8, params.zero_point());
    quantize_row(in + row * k_, codes.data() + at * k, k_, scales[at], zero_points[at], kernel.is_unsigned);
  }
  kernels::GemmArgs args{};
  args.a = reinterpret_cast<const int8_t*>(codes.data()), args.a_stride = k, args.m = static_cast<size_t>(rows);
  args.packing = packing_, args.b = codes_.data(), args.b_lowest = lowest_, args.start = start.data();
  args.form = kernels::GemmForm::sums, args.out = sums.data(), args.out_stride = n;
  kernel.run(args);
  for (size_t row = 0; row < scales.size(); ++row) {
    float* to = out + static_cast<int64_t>(row) * stride;
    for (size_t i = 0; i < n; ++i)
      to[i] += static_cast<float>(sums[row * n + i] - zero_points[row] * sums_[i]) * (scales[row] * scales_[i]);
  }
}

}  // namespace qtool::lowerings
