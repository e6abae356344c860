#include "data/sample_set.h"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

#include "data/npz.h"
#include "onnxio/tensor_file.h"
#include "tests/data/support.h"

using namespace qtool;
using namespace qtool::test;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

const std::vector<InputSpec> kOne{{"x", DType::float32, {-1, 2}, true, false}};
const std::vector<InputSpec> kTwo{{"x", DType::float32, {-1, 2}, true, false}, {"len", DType::int64, {1}, true, true}};

std::string npy(const Tensor& tensor) {
  return npy_prefix(tensor) + std::string(reinterpret_cast<const char*>(tensor.bytes()), tensor.byte_size());
}

std::string pair(float a, float b) { return npy(Tensor::of<float>({1, 2}, {a, b})); }

std::vector<std::string> ids_of(const SampleSet& set) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < set.size(); ++i) ids.push_back(set.id(i));
  return ids;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("samples: ids are paths below DATA in natural order; other files are passed over") {
  const TempDir dir;
  for (const char* name : {"b/10.npy", "b/9.npy", "a.npy", "b/2.NPY", ".hidden.npy", "labels.csv", ".git/x.npy", "output_0.pb"})
    dir.write(name, pair(1, 2));
  const SampleSet set({dir.path()}, kOne);
  CHECK(ids_of(set) == Words{"a.npy", "b/2.NPY", "b/9.npy", "b/10.npy"});
  CHECK(set.name(3) == "b/10");
  CHECK(set.path(3) == dir.path() + "/b/10.npy");
}

TEST_CASE("samples: the order of DATA does not matter, files may be given alone") {
  const TempDir one, two;
  one.write("2.npy", pair(1, 2));
  const std::string file = two.write("1.npy", pair(3, 4));
  CHECK(ids_of(SampleSet({one.path(), file}, kOne)) == Words{"1.npy", "2.npy"});
  CHECK(ids_of(SampleSet({file, one.path() + "/"}, kOne)) == Words{"1.npy", "2.npy"});
}

TEST_CASE("samples: one id twice is an error that names both") {
  const TempDir one, two;
  const std::string a = one.write("1.npy", pair(1, 2)), b = two.write("1.npy", pair(1, 2));
  const std::string told = error_of([&] { SampleSet({one.path(), two.path()}, kOne); });
  CHECK_THAT(told, ContainsSubstring("3: two samples have the id \"1.npy\"") && ContainsSubstring(a) && ContainsSubstring(b));
}

TEST_CASE("samples: names keep the extension where they would collide without") {
  const TempDir dir;
  dir.write("1.npy", pair(1, 2));
  dir.write("1.bin", std::string(8, '\0'));
  const SampleSet set({dir.path()}, kOne);
  CHECK(set.name(0) == "1.bin");
  CHECK(set.name(1) == "1.npy");
}

TEST_CASE("samples: missing DATA, empty directories, unknown files") {
  const TempDir dir;
  const std::string text = dir.write("a.txt", "x");
  CHECK_THAT(error_of([] { SampleSet({}, kOne); }), ContainsSubstring("2: the model has inputs (x): DATA is missing"));
  CHECK_THAT(error_of([&] { SampleSet({dir.path()}, kOne); }), ContainsSubstring("3: " + dir.path() + ": no samples"));
  CHECK_THAT(error_of([&] { SampleSet({text}, kOne); }), ContainsSubstring("3: " + text + ": no sample: expected"));
  CHECK_THAT(error_of([&] { SampleSet({dir.path() + "/no"}, kOne); }), EndsWith("/no: No such file or directory"));
}

TEST_CASE("samples: links are followed, loops are not") {
  namespace fs = std::filesystem;
  const TempDir dir, other;
  dir.write("in/1.npy", pair(1, 2));
  other.write("2.npy", pair(1, 2));
  fs::create_directory_symlink(other.path(), dir.path() + "/linked");
  fs::create_directory_symlink("..", dir.path() + "/in/loop");
  fs::create_symlink("nowhere", dir.path() + "/dangling.npy");
  CHECK(ids_of(SampleSet({dir.path()}, kOne)) == Words{"in/1.npy", "linked/2.npy"});
}

TEST_CASE("samples: shards split the whole, counted from 0 or from 1; limit is of the whole") {
  const TempDir dir;
  for (int i = 0; i < 7; ++i) dir.write(std::to_string(i) + ".npy", pair(0, 0));
  const SampleSet set({dir.path()}, kOne);
  CHECK(ids_of(set.shard(1, 3)) == Words{"1.npy", "4.npy"});
  CHECK(ids_of(set.shard(3, 3)) == ids_of(set.shard(0, 3)));
  CHECK(ids_of(set.shard(2, 3).limit(3)) == Words{"2.npy"});
  CHECK(ids_of(set.limit(3).shard(2, 3)) == Words{"2.npy"});
  CHECK(set.shard(1, 3).position(1) == 4);
  CHECK(set.limit(0).size() == 0);
  CHECK(set.limit(100).size() == 7);
  CHECK(set.shard(7, 8).size() == 0);
  CHECK(set.size() == 7);
  CHECK(error_of([&] { (void)set.shard(4, 3); }).starts_with("2: shard 4/3"));
  CHECK(error_of([&] { (void)set.shard(0, 0); }).starts_with("2: "));
}

TEST_CASE("samples: npy and raw files feed the one input") {
  const TempDir dir;
  dir.write("1.npy", npy(Tensor::of<float>({2}, {1, 2})));
  const float raw[] = {3, 4};
  dir.write("2.bin", {reinterpret_cast<const char*>(raw), sizeof(raw)});
  const SampleSet set({dir.path()}, kTwo);
  const Sample first = set.load(0);
  CHECK(first.id == "1.npy");
  CHECK(first.inputs.at(0) == Tensor::of<float>({1, 2}, {1, 2}));
  CHECK_FALSE(first.inputs.at(1).defined());
  CHECK(set.load(1).inputs.at(0) == Tensor::of<float>({1, 2}, {3, 4}));
}

TEST_CASE("samples: npz holds an array a name") {
  const TempDir dir;
  const auto save = [&](const std::string& name, const std::vector<NamedTensor>& arrays) { write_npz(dir.path() + "/" + name, arrays); };
  save("1.npz", {{"len", Tensor::of<int64_t>({1}, {7})}, {"x", Tensor::of<float>({1, 2}, {1, 2})}});
  save("2.npz", {{"x", Tensor::of<float>({1, 2}, {1, 2})}});
  save("3.npz", {{"y", Tensor::of<float>({1, 2}, {1, 2})}});
  save("4.npz", {{"x", Tensor::of<float>({1, 3}, {1, 2, 3})}});
  const SampleSet set({dir.path()}, kTwo);
  CHECK(set.load(0).inputs == std::vector<Tensor>{Tensor::of<float>({1, 2}, {1, 2}), Tensor::of<int64_t>({1}, {7})});
  CHECK_FALSE(set.load(1).inputs.at(1).defined());
  CHECK_THAT(error_of([&] { set.load(2); }), EndsWith("/3.npz: input \"x\": expected an array of this name, found y"));
  CHECK_THAT(error_of([&] { set.load(3); }), EndsWith("/4.npz: input \"x\": expected float32 ?x2, found float32 1x3"));
}

TEST_CASE("samples: a single array does not feed two inputs") {
  const TempDir dir;
  dir.write("1.npy", pair(1, 2));
  std::vector<InputSpec> inputs = kTwo;
  inputs[1].optional = false;
  CHECK_THAT(error_of([&] { SampleSet({dir.path()}, inputs).load(0); }), ContainsSubstring("each of the inputs x, len"));
}

TEST_CASE("samples: folders of input_K.pb") {
  const TempDir dir;
  const Tensor x = Tensor::of<float>({1, 2}, {1, 2}), len = Tensor::of<int64_t>({1}, {7});
  for (const char* name : {"test_data_set_0", "test_data_set_1", "test_data_set_10", "bad"}) dir.write(name + std::string("/note.txt"), "");
  const auto save = [&](const std::string& name, const Tensor& tensor) { onnxio::save_tensor_file(tensor, "t", dir.path() + "/" + name); };
  save("test_data_set_0/input_0.pb", x);
  save("test_data_set_0/input_1.pb", len);
  save("test_data_set_0/output_0.pb", x);
  save("test_data_set_1/input_0.pb", x);
  save("test_data_set_10/input_0.pb", len);
  for (const char* name : {"bad/input_0.pb", "bad/input_1.pb", "bad/input_2.pb"}) save(name, x);
  const SampleSet set({dir.path()}, kTwo);
  CHECK(ids_of(set) == Words{"bad", "test_data_set_0", "test_data_set_1", "test_data_set_10"});
  CHECK(set.load(1).inputs == std::vector<Tensor>{x, len});
  CHECK_FALSE(set.load(2).inputs.at(1).defined());
  CHECK_THAT(error_of([&] { set.load(3); }),
             ContainsSubstring("test_data_set_10/input_0.pb: input \"x\": expected float32 ?x2, found int64 1"));
  CHECK_THAT(error_of([&] { set.load(0); }), ContainsSubstring("the model has 2 inputs, found one more"));
  CHECK(set.expected_output(1, 0) == dir.path() + "/test_data_set_0/output_0.pb");
  CHECK_FALSE(set.expected_output(1, 1));
  const SampleSet alone({dir.path() + "/test_data_set_0/"}, kTwo);
  CHECK(ids_of(alone) == Words{"test_data_set_0"});
}

TEST_CASE("samples: an input that must be there is missing in its folder") {
  const TempDir dir;
  std::vector<InputSpec> inputs = kTwo;
  inputs[1].optional = false;
  onnxio::save_tensor_file(Tensor::of<float>({1, 2}, {1, 2}), "t", dir.path() + "/input_0.pb");
  CHECK_THAT(error_of([&] { SampleSet({dir.path()}, inputs).load(0); }),
             EndsWith("/input_1.pb: input \"len\": expected int64 1, found no such file"));
}

TEST_CASE("samples: a model without inputs runs once, or once a folder of outputs") {
  const TempDir dir;
  CHECK(ids_of(SampleSet({}, {})) == Words{"0"});
  CHECK(SampleSet({}, {}).load(0).inputs.empty());
  CHECK(ids_of(SampleSet({dir.path()}, {})) == Words{"0"});
  dir.write("case/output_0.pb", "");
  const SampleSet set({dir.path()}, {});
  CHECK(ids_of(set) == Words{"case"});
  CHECK(set.load(0).inputs.empty());
  CHECK(set.expected_output(0, 0) == dir.path() + "/case/output_0.pb");
}

TEST_CASE("samples: pictures need a preprocess") {
  const std::vector<InputSpec> inputs{{"x", DType::float32, {-1, 3, 37, 53}, true, false}};
  const std::string file = kGoldens + "resize/source.png";
  CHECK_THAT(error_of([&] { SampleSet({file}, inputs); }), ContainsSubstring("2: " + file + ": pictures need --preprocess"));
  CHECK(SampleSet({file}, inputs, Preprocess{}).load(0).inputs.at(0).shape() == Shape{1, 3, 37, 53});
  const std::vector<InputSpec> open{{"x", DType::float32, {}, false, false}};
  CHECK(SampleSet({file}, open, Preprocess{}).load(0).inputs.at(0).shape() == Shape{1, 3, 37, 53});
  Preprocess gray;
  gray.color = Color::gray;
  CHECK(error_of([&] { SampleSet({file}, inputs, gray).load(0); }) ==
        "3: " + file + ": input \"x\": expected float32 ?x3x37x53, found float32 1x37x53");
}

TEST_CASE("samples: NaN is refused unless allowed") {
  const TempDir dir;
  const std::string file = dir.write("1.npy", pair(0, std::nanf("")));
  CHECK(error_of([&] { SampleSet({file}, kOne).load(0); }) ==
        "3: " + file + ": input \"x\": expected numbers, found NaN at element 1 of 1x2");
  CHECK(SampleSet({file}, kOne, {}, {.allow_nan = true}).load(0).inputs.at(0).size() == 2);
}

TEST_CASE("samples: arrays above the limit are refused") {
  const TempDir dir;
  const std::string file = dir.write("1.npy", npy(Tensor::zeros(DType::float32, {100, 2})));
  CHECK_THAT(error_of([&] { SampleSet({file}, kOne, {}, {.largest_array = 799}).load(0); }),
             ContainsSubstring("larger than the limit of 799"));
  CHECK(SampleSet({file}, kOne, {}, {.largest_array = 800}).load(0).inputs.at(0).size() == 200);
}
