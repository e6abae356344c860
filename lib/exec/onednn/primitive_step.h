#pragma once
// A Step that is one oneDNN primitive, specialized for the shapes it meets.

#include <dnnl.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exec/lowering.h"

namespace qtool::lowerings {}

namespace qtool::onednn {

using namespace lowerings;  // what engines share

/// A primitive made for given input shapes, and what its arguments are.
struct Compiled {
  static constexpr int kOutput = -1, kScratch = -2;
  /// An argument whose memory changes from run to run: input >= 0 is the step's input, else kOutput or kScratch.
  struct Slot {
    int argument;
    dnnl::memory::desc desc;
    int input;
    bool flip_sign = false;  ///< hand over codes xor 0x80: u8 as s8 with a zero point 128 lower
    bool widen = false;      ///< the input is one u8 or s8, oneDNN wants s32: a zero point
  };
  dnnl::primitive primitive;
  std::string kernel;
  DType out_dtype = DType::float32;
  Shape out_shape;
  std::vector<Slot> slots;
  std::vector<std::pair<int, dnnl::memory>> constants;

  /// Adds the slot of the scratchpad, the primitive and its implementation's name.
  template <class Primitive>
  void finish(const typename Primitive::primitive_desc& desc) {
    primitive = Primitive(desc);
    kernel = desc.impl_info_str();
    if (desc.scratchpad_desc().get_size() > 0) slots.push_back({DNNL_ARG_SCRATCHPAD, desc.scratchpad_desc(), kScratch});
  }
};

/// Makes the primitive for these input shapes. Throws CannotRun, or oneDNN's error, where oneDNN has none.
using CompileFn = std::function<Compiled(const std::vector<Shape>& inputs)>;

/// The layout of outputs, and of the inputs promised at lowering, is `layout`.
std::unique_ptr<Step> make_primitive_step(CompileFn compile, Layout layout);

}  // namespace qtool::onednn
