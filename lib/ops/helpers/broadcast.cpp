#include "ops/helpers/broadcast.h"

#include "base/error.h"

namespace qtool {

Shape broadcast_strides(const Shape& operand, const Shape& out) {
  if (operand.size() > out.size()) throw invalid_file("shape " + to_string(operand) + " does not broadcast to " + to_string(out));
  const Shape own = strides_of(operand);
  const size_t shift = out.size() - operand.size();
  Shape strides(out.size(), 0);
  for (size_t d = 0; d < operand.size(); ++d) {
    if (operand[d] != out[shift + d] && operand[d] != 1)
      throw invalid_file("shape " + to_string(operand) + " does not broadcast to " + to_string(out));
    strides[shift + d] = operand[d] == 1 ? 0 : own[d];
  }
  return strides;
}

BroadcastWalk::BroadcastWalk(const Shape& out, const std::vector<Shape>& operands) {
  std::vector<Shape> full;
  for (const Shape& operand : operands) full.push_back(broadcast_strides(operand, out));
  strides_.resize(operands.size());
  for (size_t d = 0; d < out.size(); ++d) {
    if (out[d] == 1) continue;
    bool even = !dims_.empty();
    for (size_t k = 0; even && k < full.size(); ++k) even = strides_[k].back() == full[k][d] * out[d];
    if (even)
      dims_.back() *= out[d];
    else
      dims_.push_back(out[d]);
    for (size_t k = 0; k < full.size(); ++k) even ? strides_[k].back() = full[k][d] : (strides_[k].push_back(full[k][d]), 0);
  }
  if (dims_.empty()) {
    dims_ = {1};
    for (Shape& strides : strides_) strides = {0};
  }
  for (const Shape& strides : strides_) inner_.push_back(strides.back());
  at_.assign(operands.size(), 0);
  index_.assign(dims_.size(), 0);
  rows_ = dims_.back() == 0 ? 0 : product(dims_, 0, dims_.size() - 1);
}

void BroadcastWalk::advance() {
  for (size_t d = dims_.size() - 1; d-- > 0;) {
    for (size_t k = 0; k < at_.size(); ++k) at_[k] += strides_[k][d];
    if (++index_[d] < dims_[d]) return;
    index_[d] = 0;
    for (size_t k = 0; k < at_.size(); ++k) at_[k] -= strides_[k][d] * dims_[d];
  }
}

}  // namespace qtool
