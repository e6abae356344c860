#include "exec/onednn/primitive_step.h"

#include <cstring>

#include "exec/onednn/engine.h"
#include "exec/onednn/memory.h"
#include "kernels/registry.h"

namespace qtool::onednn {
namespace {

constexpr size_t kMaxSpecializations = 8;

/// The arguments of one running execution: memory objects are not to be shared between threads.
struct Arguments {
  explicit Arguments(const Compiled& compiled) {
    for (const auto& slot : compiled.slots) memories.emplace_back(slot.desc, engine(), nullptr);
    for (size_t i = 0; i < memories.size(); ++i) list.push_back({compiled.slots[i].argument, memories[i].get()});
    for (const auto& [argument, memory] : compiled.constants) list.push_back({argument, memory.get()});
  }
  std::vector<dnnl::memory> memories;
  std::vector<dnnl_exec_arg_t> list;
};

/// A primitive with the argument lists that wait to be used.
struct Specialization {
  std::vector<Shape> shapes;
  int threads;
  Compiled compiled;
  std::vector<std::unique_ptr<Arguments>> idle;
};
using SpecializationPtr = std::shared_ptr<Specialization>;

class PrimitiveStep : public Step {
 public:
  PrimitiveStep(CompileFn compile, Layout layout) : compile_(std::move(compile)), layout_(layout) {}

  void run(std::span<const Array* const> inputs, std::span<Array> outputs, StepContext& context) override {
    set_threads(context.threads);
    auto [special, arguments] = take(inputs, context.threads);
    const Compiled& compiled = special->compiled;
    const bool high_rank = compiled.out_shape.size() > 2;
    outputs[0] = {context.pool.tensor(compiled.out_dtype, compiled.out_shape), high_rank ? layout_ : Layout::plain};
    std::vector<std::shared_ptr<Buffer>> held;  // until the primitive has run
    for (size_t i = 0; i < compiled.slots.size(); ++i) {
      const std::byte* data = bytes_of(compiled.slots[i], inputs, outputs[0], context.pool, held);
      dnnl_memory_set_data_handle(arguments->memories[i].get(), const_cast<std::byte*>(data));
    }
    if (outputs[0].tensor.size() > 0) execute(compiled, *arguments);
    give_back(*special, std::move(arguments));
  }

  std::string kernel() const override {
    std::lock_guard lock(mutex_);
    return kernel_;
  }

 private:
  static const std::byte* bytes_of(const Compiled::Slot& slot, std::span<const Array* const> inputs, const Array& output, BufferPool& pool,
                                   std::vector<std::shared_ptr<Buffer>>& held) {
    if (slot.input == Compiled::kOutput) return output.tensor.bytes();
    if (slot.input == Compiled::kScratch) return held.emplace_back(pool.take(slot.desc.get_size()))->data();
    const Tensor& input = inputs[static_cast<size_t>(slot.input)]->tensor;
    if (slot.widen) return widened(input, *held.emplace_back(pool.take(sizeof(int32_t))));
    if (input.byte_size() != slot.desc.get_size()) throw CannotRun("an input of another element type");
    if (!slot.flip_sign) return input.bytes();
    Buffer& flipped = *held.emplace_back(pool.take(input.byte_size()));
    auto* out = reinterpret_cast<uint8_t*>(flipped.mutable_data());
    kernels::best<kernels::Flip>().run({reinterpret_cast<const uint8_t*>(input.bytes()), out, input.byte_size()});
    return flipped.data();
  }

  static const std::byte* widened(const Tensor& number, Buffer& to) {
    if (number.size() != 1) throw CannotRun("a zero point that is not one number");
    const auto value = static_cast<int32_t>(number.number_at(0));
    std::memcpy(to.mutable_data(), &value, sizeof value);
    return to.data();
  }

  Compiled compile(const std::vector<Shape>& shapes) const {
    try {
      return compile_(shapes);
    } catch (const dnnl::error& error) {
      throw CannotRun(std::string("oneDNN: ") + error.what());
    }
  }

  static void execute(const Compiled& compiled, const Arguments& arguments) {
    const auto status =
        dnnl_primitive_execute(compiled.primitive.get(), stream().get(), static_cast<int>(arguments.list.size()), arguments.list.data());
    if (status != dnnl_success) throw bug("oneDNN failed to execute " + compiled.kernel);
  }

  static bool fits(const Specialization& special, std::span<const Array* const> inputs, int threads) {
    if (special.threads != threads) return false;
    for (size_t i = 0; i < inputs.size(); ++i)
      if (special.shapes[i] != inputs[i]->tensor.shape()) return false;
    return true;
  }

  std::pair<SpecializationPtr, std::unique_ptr<Arguments>> take(std::span<const Array* const> inputs, int threads) {
    std::lock_guard lock(mutex_);
    SpecializationPtr found = find(inputs, threads);
    if (found->idle.empty()) return {found, std::make_unique<Arguments>(found->compiled)};
    auto arguments = std::move(found->idle.back());
    found->idle.pop_back();
    return {found, std::move(arguments)};
  }

  SpecializationPtr find(std::span<const Array* const> inputs, int threads) {
    for (const auto& special : specials_)
      if (fits(*special, inputs, threads)) return special;
    std::vector<Shape> shapes;
    for (const Array* input : inputs) shapes.push_back(input->tensor.shape());
    if (specials_.size() == kMaxSpecializations) specials_.erase(specials_.begin());
    specials_.push_back(std::make_shared<Specialization>(Specialization{shapes, threads, compile(shapes), {}}));
    kernel_ = specials_.back()->compiled.kernel;
    return specials_.back();
  }

  void give_back(Specialization& special, std::unique_ptr<Arguments> arguments) {
    std::lock_guard lock(mutex_);
    special.idle.push_back(std::move(arguments));
  }

  const CompileFn compile_;
  const Layout layout_;
  mutable std::mutex mutex_;
  std::vector<SpecializationPtr> specials_;
  std::string kernel_;
};

}  // namespace

std::unique_ptr<Step> make_primitive_step(CompileFn compile, Layout layout) {
  return std::make_unique<PrimitiveStep>(std::move(compile), layout);
}

}  // namespace qtool::onednn
