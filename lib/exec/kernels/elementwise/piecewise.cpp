#include "exec/kernels/elementwise/piecewise.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace qtool::lowerings {
namespace {

using kernels::PiecewiseTable;
constexpr double kFar = 32;              ///< beyond it the function must be two lines
constexpr double kAllowed = 1.0 / 2048;  ///< steps

struct Line {
  double slope, height;
  double operator()(double x) const { return slope * x + height; }
};

/// What is approximated: the activations, in steps of the output, and where codes saturate.
class Target {
 public:
  Target(Curves curves, const QuantParams& out)
      : curves_(std::move(curves)),
        scale_(out.scale()),
        low_(static_cast<double>(full_range(out.dtype).lo - out.zero_point())),
        high_(static_cast<double>(full_range(out.dtype).hi - out.zero_point())) {}

  double operator()(double x) const {
    const auto in = static_cast<float>(x);
    float y;
    apply(curves_, &in, &y, 1);
    return static_cast<double>(y) / scale_;
  }

  /// How far from the target `y` is at x, as far as codes can tell.
  double error(double x, double y) const { return std::fabs(std::clamp(y, low_, high_) - std::clamp((*this)(x), low_, high_)); }

  Line line_through(double a, double b) const {
    const double slope = ((*this)(b) - (*this)(a)) / (b - a);
    return {slope, (*this)(a)-slope * a};
  }

 private:
  const Curves curves_;
  const double scale_, low_, high_;
};

/// Where the line stops being the function, going from `from` to `to`.
double end_of(const Target& target, const Line& line, double from, double to) {
  constexpr int kSteps = 2048;
  const double step = (to - from) / kSteps;
  for (int i = 0; i <= kSteps; ++i)
    if (!(target.error(from + i * step, line(from + i * step)) <= kAllowed / 2)) return from + (i - 1) * step;
  return to;
}

/// The polynomial through the target at the Chebyshev points of [first, first + length], in r = (x - first) / length.
std::array<double, PiecewiseTable::kOrder> polynomial(const Target& target, double first, double length) {
  constexpr size_t kOrder = PiecewiseTable::kOrder;
  std::array<double, kOrder> r, newton, result{};
  for (size_t k = 0; k < kOrder; ++k) {
    r[k] = 0.5 - 0.5 * std::cos((2 * static_cast<double>(k) + 1) * M_PI / (2 * kOrder));
    newton[k] = target(first + r[k] * length);
  }
  for (size_t order = 1; order < kOrder; ++order)
    for (size_t k = kOrder; k-- > order;) newton[k] = (newton[k] - newton[k - 1]) / (r[k] - r[k - order]);
  for (size_t k = kOrder; k-- > 0;) {  // result = result * (x - r[k]) + newton[k]
    for (size_t power = kOrder - 1; power > 0; --power) result[power] = result[power - 1] - r[k] * result[power];
    result[0] = newton[k] - r[k] * result[0];
  }
  return result;
}

/// [first, last] between two lines, cut into all pieces but the two ends.
PiecewiseTable table_of(const Target& target, const Line& left, const Line& right, double first, double last) {
  constexpr size_t kPieces = PiecewiseTable::kPieces;
  const double length = (last - first) / (kPieces - 2);
  PiecewiseTable table;
  table.slope = static_cast<float>(1 / length), table.offset = static_cast<float>(1 - first / length);
  table.c[0][0] = static_cast<float>(left(first - length)), table.c[1][0] = static_cast<float>(left.slope * length);
  table.c[0][kPieces - 1] = static_cast<float>(right(last)), table.c[1][kPieces - 1] = static_cast<float>(right.slope * length);
  for (size_t i = 1; i + 1 < kPieces; ++i) {
    const auto c = polynomial(target, first + static_cast<double>(i - 1) * length, length);
    for (size_t k = 0; k < PiecewiseTable::kOrder; ++k) table.c[k][i] = static_cast<float>(c[k]);
  }
  return table;
}

bool holds(const PiecewiseTable& table, const Target& target, double first, double last) {
  constexpr int kPoints = 4096;
  const auto near = [&](double x) { return target.error(x, static_cast<double>(table(static_cast<float>(x)))) <= kAllowed; };
  for (int i = 0; i <= kPoints; ++i)
    if (!near(first + (last - first) * i / kPoints)) return false;
  for (double x = 1; x < 1e6; x *= 1.5)
    if (!near(x) || !near(-x)) return false;
  return true;
}

}  // namespace

std::optional<PiecewiseTable> piecewise_of(std::span<const PostOp> post_ops, const QuantParams& out) {
  const auto curves = curves_of(post_ops);
  if (!curves || curves->empty()) return std::nullopt;
  const Target target(*curves, out);
  const Line left = target.line_through(-4 * kFar, -2 * kFar), right = target.line_through(2 * kFar, 4 * kFar);
  for (const Line& line : {left, right})
    if (!std::isfinite(line.slope) || !std::isfinite(line.height)) return std::nullopt;
  const double first = end_of(target, left, -kFar, kFar), last = end_of(target, right, kFar, -kFar);
  if (first < -kFar || last > kFar || last - first < 0.01) return std::nullopt;
  const PiecewiseTable table = table_of(target, left, right, first, last);
  return holds(table, target, first, last) ? std::optional(table) : std::nullopt;
}

}  // namespace qtool::lowerings
