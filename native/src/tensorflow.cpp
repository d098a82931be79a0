// Plans as an operation of TensorFlow, by its C API, and a pass over graphs that are about to run.
//
// Kapre traces the spectrum of a recipe as a function of TensorFlow's own operations, whose name says which plan computes
// the same. The pass puts the operation of this file in place of a call of such a function. It sees graphs only when they
// run, so that saved graphs, gradients and programs of XLA contain TensorFlow's operations alone.
//
// The functions and structures of TensorFlow are declared here and found at run time, so that a build does not need it.

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "kapre_native.h"

namespace {

struct TF_Status;
struct TF_Tensor;
struct TF_OpDefinitionBuilder;
struct TF_ShapeInferenceContext;
struct TF_KernelBuilder;
struct TF_OpKernelConstruction;
struct TF_OpKernelContext;
struct TF_GrapplerItem;
struct TF_Library;

struct TF_Buffer {
  const void* data;
  std::size_t length;
  void (*data_deallocator)(void* data, std::size_t length);
};

struct TP_Optimizer {
  std::size_t struct_size;
  void* ext;
  void* (*create_func)();
  void (*optimize_func)(void*, const TF_Buffer*, const TF_GrapplerItem*, TF_Buffer*, TF_Status*);
  void (*destroy_func)(void*);
};

struct TP_OptimizerRegistrationParams {
  std::size_t struct_size;
  void* ext;
  std::int32_t major_version, minor_version, patch_version;
  const char* device_type;
  void* optimizer_configs;
  TP_Optimizer* optimizer;
};

constexpr int FLOAT = 1, INT32 = 3, COMPLEX = 8;                        // TF_DataType
constexpr int INVALID_ARGUMENT = 3, RESOURCE_EXHAUSTED = 8, ABORTED = 10, INTERNAL = 13;  // TF_Code
constexpr const char* OP = "KapreSpectrum";
constexpr const char* PREFIX = "__inference_kapre_spectrum_";

// The functions of TensorFlow that are called here.
#define KAPRE_FUNCTIONS(F)                                                                                          \
  F(TF_Status*, TF_NewStatus, (void))                                                                               \
  F(void, TF_DeleteStatus, (TF_Status*))                                                                            \
  F(void, TF_SetStatus, (TF_Status*, int, const char*))                                                             \
  F(int, TF_GetCode, (const TF_Status*))                                                                            \
  F(const char*, TF_Message, (const TF_Status*))                                                                    \
  F(TF_OpDefinitionBuilder*, TF_NewOpDefinitionBuilder, (const char*))                                              \
  F(void, TF_OpDefinitionBuilderAddInput, (TF_OpDefinitionBuilder*, const char*))                                   \
  F(void, TF_OpDefinitionBuilderAddOutput, (TF_OpDefinitionBuilder*, const char*))                                  \
  F(void, TF_OpDefinitionBuilderAddAttr, (TF_OpDefinitionBuilder*, const char*))                                    \
  F(void, TF_OpDefinitionBuilderSetShapeInferenceFunction,                                                          \
    (TF_OpDefinitionBuilder*, void (*)(TF_ShapeInferenceContext*, TF_Status*)))                                     \
  F(void, TF_RegisterOpDefinition, (TF_OpDefinitionBuilder*, TF_Status*))                                           \
  F(void, TF_ShapeInferenceContextSetUnknownShape, (TF_ShapeInferenceContext*, TF_Status*))                         \
  F(TF_KernelBuilder*, TF_NewKernelBuilder,                                                                         \
    (const char*, const char*, void* (*)(TF_OpKernelConstruction*), void (*)(void*, TF_OpKernelContext*),           \
     void (*)(void*)))                                                                                              \
  F(void, TF_RegisterKernelBuilder, (const char*, TF_KernelBuilder*, TF_Status*))                                   \
  F(void, TF_OpKernelConstruction_GetAttrSize,                                                                      \
    (TF_OpKernelConstruction*, const char*, std::int32_t*, std::int32_t*, TF_Status*))                              \
  F(void, TF_OpKernelConstruction_GetAttrString,                                                                    \
    (TF_OpKernelConstruction*, const char*, char*, std::size_t, TF_Status*))                                        \
  F(void, TF_OpKernelConstruction_Failure, (TF_OpKernelConstruction*, TF_Status*))                                  \
  F(int, TF_NumInputs, (TF_OpKernelContext*))                                                                       \
  F(void, TF_GetInput, (TF_OpKernelContext*, int, TF_Tensor**, TF_Status*))                                         \
  F(TF_Tensor*, TF_AllocateOutput,                                                                                  \
    (TF_OpKernelContext*, int, int, const std::int64_t*, int, std::size_t, TF_Status*))                             \
  F(void, TF_OpKernelContext_Failure, (TF_OpKernelContext*, TF_Status*))                                            \
  F(int, TF_ExpectedOutputDataType, (TF_OpKernelContext*, int))                                                     \
  F(int, TF_TensorType, (const TF_Tensor*))                                                                         \
  F(int, TF_NumDims, (const TF_Tensor*))                                                                            \
  F(std::int64_t, TF_Dim, (const TF_Tensor*, int))                                                                  \
  F(void*, TF_TensorData, (const TF_Tensor*))                                                                       \
  F(void, TF_DeleteTensor, (TF_Tensor*))                                                                            \
  F(TF_Library*, TF_LoadPluggableDeviceLibrary, (const char*, TF_Status*))

struct Api {
#define KAPRE_POINTER(result, name, arguments) result(*name) arguments = nullptr;
  KAPRE_FUNCTIONS(KAPRE_POINTER)
#undef KAPRE_POINTER
  std::string missing;
};

// Finds the functions in a TensorFlow that the process has loaded. Python loads it for itself alone, so that its names
// are not among those of the whole process.
Api find_api() {
  Api api;
  std::vector<void*> handles;
  for (const char* name : {"libtensorflow_framework.so.2", "libtensorflow_cc.so.2", "libtensorflow_framework.2.dylib",
                           "libtensorflow_cc.2.dylib"})
    if (void* handle = dlopen(name, RTLD_NOLOAD | RTLD_LAZY)) handles.push_back(handle);
  handles.push_back(RTLD_DEFAULT);
  const auto find = [&](const char* name) -> void* {
    for (void* handle : handles)
      if (void* found = dlsym(handle, name)) return found;
    if (api.missing.empty()) api.missing = name;
    return nullptr;
  };
#define KAPRE_FIND(result, name, arguments) api.name = reinterpret_cast<result(*) arguments>(find(#name));
  KAPRE_FUNCTIONS(KAPRE_FIND)
#undef KAPRE_FIND
  return api;
}

const Api& api() {
  static const Api* const found = new Api(find_api());  // never destroyed, as the plans below
  return *found;
}

class Status {
 public:
  Status() : status_(api().TF_NewStatus()) {}
  ~Status() { api().TF_DeleteStatus(status_); }
  Status(const Status&) = delete;
  Status& operator=(const Status&) = delete;
  TF_Status* get() const { return status_; }
  bool ok() const { return api().TF_GetCode(status_) == 0; }
  void set(int code, const char* text) const { api().TF_SetStatus(status_, code, text); }
  const char* message() const { return api().TF_Message(status_); }

 private:
  TF_Status* status_;
};

// Plans, by the digest of their memory. They stay until the process ends.
using Memory = std::shared_ptr<const std::vector<std::int64_t>>;
struct Plans {
  std::mutex mutex;
  std::map<std::string, Memory> by_digest;
  std::atomic<int> threads{1};

  Memory find(const std::string& digest) {
    const std::lock_guard<std::mutex> lock(mutex);
    const auto found = by_digest.find(digest);
    return found == by_digest.end() ? nullptr : found->second;
  }
};

Plans& plans() {
  static Plans* const kept = new Plans;  // never destroyed: kernels may outlive the statics of this library
  return *kept;
}

// What a key names: DIGEST_LEFT_RIGHT_PADDING_SIZE_HOP_DROPPED. The last three say how many frames samples have. In the
// key of an inverse, PADDING says whether to normalise, and DROPPED is the number of samples plus one, or 0 if that
// follows from the number of frames.
struct Key {
  Memory plan;
  long long left, right, size, hop, dropped;
  int padding;

  std::int64_t frames(std::int64_t time) const {
    const std::int64_t padded = time + left + right;
    return padded < size ? 0 : std::max<std::int64_t>(0, (padded - size) / hop + 1 - dropped);
  }

  std::int64_t samples(std::int64_t frames) const {
    constexpr std::int64_t most = std::int64_t{1} << 40;  // far more than memory holds
    if (dropped) return dropped - 1;
    return std::max<std::int64_t>(0, std::min<std::int64_t>(frames - 1, most / hop) * hop + size - left - right);
  }
};

// Keys are also read from the graphs of files, so that any text must do.
bool read_key(const std::string& text, Key& key) {
  const std::size_t end = text.find('_');
  if (end == std::string::npos) return false;
  int used = 0;
  const char* numbers = text.c_str() + end;
  if (std::sscanf(numbers, "_%lld_%lld_%d_%lld_%lld_%lld%n", &key.left, &key.right, &key.padding, &key.size, &key.hop,
                  &key.dropped, &used) != 6)
    return false;
  constexpr long long most = 1LL << 40;
  for (const long long number : {key.left, key.right, key.size, key.hop, key.dropped})
    if (number < 0 || number > most) return false;
  if (key.size < 1 || key.hop < 1 || key.padding < KAPRE_CONSTANT || key.padding > KAPRE_EDGE) return false;
  key.plan = numbers[used] ? nullptr : plans().find(text.substr(0, end));
  return key.plan != nullptr;
}

void* create(TF_OpKernelConstruction* construction) {
  const Status status;
  try {
    std::int32_t list = 0, size = 0;
    std::unique_ptr<Key> key(new Key);
    api().TF_OpKernelConstruction_GetAttrSize(construction, "key", &list, &size, status.get());
    if (status.ok()) {
      std::string text(static_cast<std::size_t>(size) + 1, '\0');  // one more, for a zero that some versions write
      api().TF_OpKernelConstruction_GetAttrString(construction, "key", &text[0], text.size(), status.get());
      if (status.ok() && read_key(text.c_str(), *key)) return key.release();
      if (status.ok()) status.set(INVALID_ARGUMENT, "kapre-native has no plan of this key in this process");
    }
  } catch (...) {
    status.set(INTERNAL, "kapre-native could not read a key");
  }
  api().TF_OpKernelConstruction_Failure(construction, status.get());
  return nullptr;
}

class Tensor {
 public:
  Tensor() = default;
  ~Tensor() {
    if (tensor) api().TF_DeleteTensor(tensor);
  }
  Tensor(const Tensor&) = delete;
  Tensor& operator=(const Tensor&) = delete;
  std::vector<std::int64_t> shape() const {
    std::vector<std::int64_t> found;
    for (int i = 0; i < api().TF_NumDims(tensor); ++i) found.push_back(api().TF_Dim(tensor, i));
    return found;
  }
  template <typename T>
  T* data() const {
    return static_cast<T*>(api().TF_TensorData(tensor));
  }
  TF_Tensor* tensor = nullptr;
};

std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t found = 1;
  for (const std::int64_t length : shape) found *= length;
  return found;
}

void allocate(TF_OpKernelContext* context, int index, int type, const std::vector<std::int64_t>& shape, Tensor& tensor,
              const Status& status) {
  const std::size_t size = type == COMPLEX ? 2 * sizeof(float) : sizeof(float);
  tensor.tensor = api().TF_AllocateOutput(context, index, type, shape.data(), static_cast<int>(shape.size()),
                                          static_cast<std::size_t>(product(shape)) * size, status.get());
}

// One number for each of `items`, from those of each entry of the first axis, or from one for all.
std::vector<std::int64_t> for_each(std::int64_t items, const std::vector<std::int64_t>& shape, const Tensor& given,
                                   const Status& status) {
  std::vector<std::int64_t> own;
  const std::int64_t count = product(given.shape());
  if (shape.empty() || (count != 1 && count != shape[0])) {
    status.set(INVALID_ARGUMENT, "kapre-native: there must be a length for each item, or one for all");
    return own;
  }
  const std::int32_t* numbers = given.data<std::int32_t>();
  for (std::int64_t i = 0; i < items; ++i) own.push_back(numbers[count == 1 ? 0 : i / (items / count)]);
  return own;
}

// args: z (..., frames, bins) and, perhaps, counts (batch) or (1); output: (..., time)
void invert(const Key& key, const Tensor& z, const Tensor& counts, TF_OpKernelContext* context, const Status& status) {
  std::vector<std::int64_t> shape = z.shape();
  const void* plan = key.plan->data();
  const std::size_t size = key.plan->size() * sizeof(std::int64_t);
  if (shape.size() < 2 || 2 * shape.back() != kapre_plan_values(plan, size))
    return status.set(INVALID_ARGUMENT, "kapre-native: spectra must have an axis of frames and the bins of the plan");
  shape.pop_back();
  kapre_inversion call = {};
  call.frames = shape.back();
  shape.pop_back();
  call.items = product(shape);
  std::vector<std::int64_t> own;
  if (counts.tensor) own = for_each(call.items, shape, counts, status);
  if (!status.ok()) return;
  call.counts = counts.tensor ? own.data() : nullptr;
  call.time = key.samples(call.frames);
  shape.push_back(call.time);
  Tensor samples;
  allocate(context, 0, FLOAT, shape, samples, status);
  if (!status.ok()) return;
  call.spectra = z.data<float>();
  call.left = key.left;
  call.right = key.right;
  call.normalise = key.padding;
  call.threads = plans().threads;
  call.samples = samples.data<float>();
  char message[256] = "";
  if (kapre_plan_invert(plan, size, &call, message, sizeof message)) status.set(INTERNAL, message);
}

// args: x (..., time) and, perhaps, lengths (batch) or (1); output: (..., frames, values), float or complex, and energies
// (..., frames, 1)
void run(const Key& key, TF_OpKernelContext* context, const Status& status) {
  Tensor x, lengths, features, energies;
  const int inputs = api().TF_NumInputs(context);
  api().TF_GetInput(context, 0, &x.tensor, status.get());
  if (status.ok() && inputs > 1) api().TF_GetInput(context, 1, &lengths.tensor, status.get());
  if (!status.ok()) return;
  const int kind = api().TF_TensorType(x.tensor);
  if ((kind != FLOAT && kind != COMPLEX) || (lengths.tensor && api().TF_TensorType(lengths.tensor) != INT32))
    return status.set(INVALID_ARGUMENT, "kapre-native: samples must be float32, spectra complex64, and lengths int32");
  if (kind == COMPLEX) return invert(key, x, lengths, context, status);
  std::vector<std::int64_t> shape = x.shape();
  if (shape.empty()) return status.set(INVALID_ARGUMENT, "kapre-native: samples must have an axis of time");
  kapre_call call = {};
  call.time = call.item_stride = shape.back();
  shape.pop_back();
  call.items = product(shape);
  std::vector<std::int64_t> own;
  if (lengths.tensor) own = for_each(call.items, shape, lengths, status);
  if (!status.ok()) return;
  call.lengths = lengths.tensor ? own.data() : nullptr;
  const void* plan = key.plan->data();
  const std::size_t size = key.plan->size() * sizeof(std::int64_t);
  call.frames = key.frames(call.time);
  shape.push_back(call.frames);
  const int type = api().TF_ExpectedOutputDataType(context, 0);
  shape.push_back(kapre_plan_values(plan, size) / (type == COMPLEX ? 2 : 1));
  allocate(context, 0, type, shape, features, status);
  if (!status.ok()) return;
  if (kapre_plan_has_energy(plan, size)) {
    shape.back() = 1;
    allocate(context, 1, FLOAT, shape, energies, status);
    if (!status.ok()) return;
    call.energies = energies.data<float>();
  }
  call.samples = x.data<float>();
  call.left = key.left;
  call.right = key.right;
  call.padding = key.padding;
  call.threads = plans().threads;
  call.features = features.data<float>();
  char message[256] = "";
  if (kapre_plan_run(plan, size, &call, message, sizeof message)) status.set(INTERNAL, message);
}

void compute(void* key, TF_OpKernelContext* context) {
  const Status status;
  if (!key) return;
  try {
    run(*static_cast<const Key*>(key), context, status);
  } catch (...) {
    status.set(RESOURCE_EXHAUSTED, "kapre-native has no memory for the features");
  }
  if (!status.ok()) api().TF_OpKernelContext_Failure(context, status.get());
}

void remove(void* key) { delete static_cast<Key*>(key); }

void unknown_shape(TF_ShapeInferenceContext* context, TF_Status* status) {
  api().TF_ShapeInferenceContextSetUnknownShape(context, status);
}

// Protocol buffers, as far as the pass needs them: fields are read in turn and copied, or written anew.

struct Field {
  std::uint64_t number, wire, value;  // the value of a number, or how many bytes of text there are
  const char *begin, *text, *end;     // the whole field from its tag; its text, if it has one
};

bool read_varint(const char*& at, const char* end, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; at < end && shift < 64; shift += 7) {
    const unsigned char byte = static_cast<unsigned char>(*at++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

class Message {
 public:
  Message(const char* begin, std::size_t size) : at_(begin), end_(begin + size) {}
  explicit Message(const Field& field) : at_(field.text), end_(field.end) {}

  bool next(Field& field) {
    if (at_ == end_) return false;
    field.begin = at_;
    std::uint64_t tag = 0;
    good = read_varint(at_, end_, tag);
    field.number = tag >> 3;
    field.wire = tag & 7;
    field.value = 0;
    const std::uint64_t fixed = field.wire == 1 ? 8 : field.wire == 5 ? 4 : 0;
    good = good && (field.wire == 0 || field.wire == 2 || fixed);
    if (good && !fixed) good = read_varint(at_, end_, field.value);
    const std::uint64_t size = field.wire == 2 ? field.value : fixed;
    good = good && size <= static_cast<std::uint64_t>(end_ - at_);
    if (!good) {
      at_ = end_;
      return false;
    }
    field.text = at_;
    field.end = at_ += size;
    return true;
  }

  bool good = true;

 private:
  const char* at_;
  const char* end_;
};

std::string text_of(const Field& field) { return std::string(field.text, field.end); }

// The last field of a number, as text, or nothing.
std::string text_in(Message message, std::uint64_t number) {
  std::string found;
  Field field;
  while (message.next(field))
    if (field.number == number && field.wire == 2) found = text_of(field);
  return found;
}

std::string text_in(const std::string& message, std::uint64_t number) {
  return text_in(Message(message.data(), message.size()), number);
}

void write_varint(std::uint64_t value, std::string& out) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

void write_text(std::uint64_t number, const std::string& text, std::string& out) {
  write_varint(number << 3 | 2, out);
  write_varint(text.size(), out);
  out += text;
}

// The numbers of the fields that are read, in TensorFlow's graph.proto, node_def.proto, attr_value.proto.
constexpr std::uint64_t GRAPH_NODE = 1, NODE_OP = 2, NODE_DEVICE = 4, NODE_ATTR = 5, ENTRY_KEY = 1, ENTRY_VALUE = 2,
                        VALUE_LIST = 1, VALUE_TEXT = 2, VALUE_INTEGER = 3, VALUE_FUNCTION = 10, FUNCTION_NAME = 1,
                        LIST_TYPE = 6;

std::vector<std::uint64_t> types_of(const std::string& value) {
  const std::string list = text_in(value, VALUE_LIST);
  std::vector<std::uint64_t> found;
  Message message(list.data(), list.size());
  Field field;
  while (message.next(field)) {
    if (field.number != LIST_TYPE) continue;
    if (field.wire == 0) found.push_back(field.value);
    std::uint64_t type = 0;
    for (const char* at = field.text; field.wire == 2 && at < field.end && read_varint(at, field.end, type);)
      found.push_back(type);
  }
  return found;
}

// The key in the name of a function that Kapre has traced, PREFIX KEY _NUMBER, or nothing.
std::string key_of(const std::string& name) {
  const std::size_t start = std::strlen(PREFIX), last = name.rfind('_');
  if (name.compare(0, start, PREFIX) != 0 || last == std::string::npos || last < start) return "";
  const std::string text = name.substr(start, last - start);
  if (last + 1 == name.size() || name.find_first_not_of("0123456789", last + 1) != std::string::npos) return "";
  Key key;
  return read_key(text, key) ? text : "";
}

// Writes what takes the place of a node, if it is a call of such a function on this machine's CPU.
bool replace(const Field& node, std::string& out) {
  std::string op, device, called, kept, entry;
  std::vector<std::uint64_t> inputs;
  Message message(node);
  Field field;
  while (message.next(field)) {
    if (field.number == NODE_OP) {
      op = text_of(field);
      continue;
    }
    if (field.number == NODE_DEVICE) device = text_of(field);
    if (field.number == NODE_ATTR) {
      const std::string name = text_in(Message(field), ENTRY_KEY), value = text_in(Message(field), ENTRY_VALUE);
      if (name == "f") called = text_in(text_in(value, VALUE_FUNCTION), FUNCTION_NAME);
      if (name == "Tin") inputs = types_of(value);
      if (name != "Tin" && name != "Tout") continue;
    }
    kept.append(field.begin, field.end);
  }
  if (!message.good || (op != "PartitionedCall" && op != "StatefulPartitionedCall")) return false;
  const std::string key = key_of(called);
  if (key.empty() || device.find("/job:localhost/") == std::string::npos || device.find("CPU") == std::string::npos)
    return false;
  if (inputs.empty() || (inputs[0] != FLOAT && inputs[0] != COMPLEX)) return false;
  if (inputs.size() > 2 || (inputs.size() == 2 && inputs[1] != INT32)) return false;
  write_text(NODE_OP, OP, kept);
  std::string value;
  write_text(VALUE_TEXT, key, value);
  write_text(ENTRY_KEY, "key", entry);
  write_text(ENTRY_VALUE, value, entry);
  write_text(NODE_ATTR, entry, kept);
  value.clear();
  entry.clear();
  write_varint(VALUE_INTEGER << 3, value);
  write_varint(0, value);
  write_text(ENTRY_KEY, "tag", entry);
  write_text(ENTRY_VALUE, value, entry);
  write_text(NODE_ATTR, entry, kept);
  write_text(GRAPH_NODE, kept, out);
  return true;
}

// Writes the graph with the operation in place of calls, and returns whether there is one.
bool replace_all(const char* graph, std::size_t size, std::string& out) {
  if (std::search(graph, graph + size, PREFIX, PREFIX + std::strlen(PREFIX)) == graph + size) return false;
  bool found = false;
  Message message(graph, size);
  Field field;
  while (message.next(field)) {
    const bool replaced = field.number == GRAPH_NODE && field.wire == 2 && replace(field, out);
    if (!replaced) out.append(field.begin, field.end);
    found = found || replaced;
  }
  return found && message.good;
}

// The pass. By the convention of TensorFlow, ABORTED says that the graph stays as it is.
void optimize(void*, const TF_Buffer* graph, const TF_GrapplerItem*, TF_Buffer* result, TF_Status* status) {
  void* memory = nullptr;
  try {
    std::string out;
    if (replace_all(static_cast<const char*>(graph->data), graph->length, out)) memory = std::malloc(out.size());
    if (memory) {
      std::memcpy(memory, out.data(), out.size());
      result->data = memory;
      result->length = out.size();
      result->data_deallocator = [](void* data, std::size_t) { std::free(data); };
    }
  } catch (...) {
    // There is no memory: the graph stays as it is.
  }
  if (!memory) api().TF_SetStatus(status, ABORTED, "kapre-native has nothing to replace");
}

// TensorFlow's loader of libraries reports the operations that are registered while it loads one.
std::string register_operation() try {
  if (!api().missing.empty()) return "this TensorFlow has no " + api().missing;
  const Status status;
  TF_OpDefinitionBuilder* builder = api().TF_NewOpDefinitionBuilder(OP);
  api().TF_OpDefinitionBuilderAddInput(builder, "args: Tin");
  api().TF_OpDefinitionBuilderAddOutput(builder, "output: Tout");
  api().TF_OpDefinitionBuilderAddAttr(builder, "Tin: list(type)");
  api().TF_OpDefinitionBuilderAddAttr(builder, "Tout: list(type)");
  api().TF_OpDefinitionBuilderAddAttr(builder, "key: string");
  api().TF_OpDefinitionBuilderAddAttr(builder, "tag: int = 0");
  api().TF_OpDefinitionBuilderSetShapeInferenceFunction(builder, unknown_shape);
  api().TF_RegisterOpDefinition(builder, status.get());
  if (status.ok()) {
    TF_KernelBuilder* kernel = api().TF_NewKernelBuilder(OP, "CPU", create, compute, remove);
    api().TF_RegisterKernelBuilder(OP, kernel, status.get());
  }
  return status.ok() ? "" : status.message();
} catch (...) {
  return "memory";
}

const std::string& problem = *new std::string(register_operation());

}  // namespace

extern "C" {

// Called by TensorFlow when it loads this library as one that has a pass over graphs.
KAPRE_EXPORT void TF_InitGraph(TP_OptimizerRegistrationParams* params, TF_Status*) {
  static int nothing = 0;
  params->device_type = "CPU";
  params->optimizer->create_func = []() -> void* { return &nothing; };
  params->optimizer->optimize_func = optimize;
  params->optimizer->destroy_func = [](void*) {};
}

// The version of the interface of kapre_native.h, and of the keys.
KAPRE_EXPORT int32_t kapre_tensorflow_abi(void) { return KAPRE_NATIVE_ABI; }

// Registers the pass, once. `path` is that of this library. Returns a code, as the functions of kapre_native.h.
KAPRE_EXPORT int32_t kapre_tensorflow_start(const char* path, char* message, size_t message_size) {
  static std::atomic<bool> started{false};
  if (!problem.empty()) {
    std::snprintf(message, message_size, "%s", problem.c_str());
    return KAPRE_FAILED;
  }
  if (started.exchange(true)) return KAPRE_OK;
  const Status status;
  api().TF_LoadPluggableDeviceLibrary(path, status.get());
  if (status.ok()) return KAPRE_OK;
  std::snprintf(message, message_size, "%s", status.message());
  return KAPRE_FAILED;
}

// Keeps a plan under its digest, and the number of threads for all plans.
KAPRE_EXPORT int32_t kapre_tensorflow_keep(const char* digest, const void* plan, size_t size, int32_t threads) {
  try {
    const std::int64_t* words = static_cast<const std::int64_t*>(plan);
    auto memory = std::make_shared<const std::vector<std::int64_t>>(words, words + size / sizeof(std::int64_t));
    const std::lock_guard<std::mutex> lock(plans().mutex);
    plans().by_digest.emplace(digest, memory);
    plans().threads = threads;
  } catch (...) {
    return KAPRE_NO_MEMORY;
  }
  return KAPRE_OK;
}

}  // extern "C"
