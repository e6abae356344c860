#pragma once
// A long message as a list of pieces: small ones made here, big ones that are a tensor's own bytes and are not copied.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/tensor.h"

namespace qtool::onnxio {

class Pieces {
 public:
  void add(std::string bytes);
  /// The tensor's elements as files hold them.
  void add_elements(const Tensor& tensor);
  void add(Pieces&& others);
  size_t size() const { return size_; }
  void for_each(const std::function<void(std::string_view)>& visit) const;

 private:
  struct Piece {
    std::string made;
    Tensor lent;  ///< undefined: `made` it is
  };
  std::vector<Piece> pieces_;
  size_t size_ = 0;
};

/// Key and length of a length-delimited protobuf field.
std::string field_start(int number, size_t length);

}  // namespace qtool::onnxio
