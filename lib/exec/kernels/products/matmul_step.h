#pragma once
// The step of a matrix product with a constant on the right.

#include <string>
#include <utility>

#include "exec/kernels/elementwise/table.h"
#include "exec/kernels/products/rows.h"
#include "exec/kernels/products/run.h"

namespace qtool::lowerings {

/// A matrix with its dimensions exchanged.
Tensor turned(const Tensor& x, StepContext& context);

/// x [.., M, K] times what `side` holds, [K, N].
template <class Side, class Rows>
class MatMulStep : public Step, public TakesTable {
 public:
  MatMulStep(Side side, bool transpose_x) : side_(std::move(side)), transpose_x_(transpose_x) {}

  bool take(const Table& table, DType to) override { return side_.take(table, to); }

  void run(StepInputs inputs, std::span<Array> outputs, StepContext& context) override {
    expect_type(*inputs[0], side_.in_dtype());
    if (transpose_x_ && inputs[0]->tensor.rank() != 2) throw CannotRun("no matrix");
    const Tensor x = transpose_x_ ? turned(inputs[0]->tensor, context) : inputs[0]->tensor;
    const auto depth = static_cast<int64_t>(side_.packing().depth), columns = static_cast<int64_t>(side_.packing().n);
    Shape out = x.shape();
    if (out.size() < 2 || out.back() != depth) throw CannotRun("other inner dimensions");
    out.back() = columns;
    outputs[0] = {context.pool.tensor(side_.out_dtype(), out), Layout::plain};
    if (outputs[0].tensor.size() == 0) return;
    const Rows rows(x, side_.flips(), context);
    auto args = side_.arguments(0);
    args.a = rows.data(), args.a_stride = side_.packing().depth;
    args.m = static_cast<size_t>(x.size() / depth), args.out_stride = side_.packing().n;
    run_rows(side_, args, outputs[0].tensor.mutable_bytes(), context.threads);
  }

  std::string kernel() const override { return side_.kernel(); }

 private:
  Side side_;
  const bool transpose_x_;
};

}  // namespace qtool::lowerings
