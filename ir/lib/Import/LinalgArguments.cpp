// The entry function's arguments: their shapes, from types, --arg-shape and --dim.
#include "LinalgImporter.h"

#include <mansard/hw/document.h>

#include <llvm/ADT/StringExtras.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <set>

namespace mansard::ir {
namespace {

using mlir::failure;
using mlir::FailureOr;
using mlir::LogicalResult;
using mlir::success;

/// Dimensions that an argument's type leaves open are called so in these attributes: an array of
/// strings for a tensor, a string for an integer.
constexpr llvm::StringLiteral kDimsAttr = "mansard.dims";
/// Unit: the argument is a parameter of a model, and counts as its memory.
constexpr llvm::StringLiteral kParameterAttr = "mansard.parameter";

std::string argumentName(unsigned index) { return fmt::format("arg{}", index); }
std::string dimName(unsigned index, size_t dim) { return fmt::format("arg{}.{}", index, dim); }

/// What --dim and --arg-shape say, as read from their texts.
class Given {
public:
  LogicalResult read(mlir::func::FuncOp entry, const LinalgOptions &options) {
    for (const std::string &text : options.dims) {
      const auto [name, value] = llvm::StringRef(text).split('=');
      int64_t size = 0;
      if (name.empty() || value.getAsInteger(10, size))
        return entry.emitError()
               << "--dim '" << text
               << "' is not of the form NAME=NUMBER, as in batch=8 or arg0.1=4096";
      sizes_[name.str()] = size;
    }
    for (const std::string &text : options.argShapes)
      if (readShape(entry, text).failed())
        return failure();
    return success();
  }

  /// What is known of dimension `dim`, called `own` in an attribute; nothing if it is not given.
  std::optional<int64_t> size(unsigned argument, size_t dim, llvm::StringRef own) {
    const auto shape = shapes_.find(argument);
    if (shape != shapes_.end() && dim < shape->second.size() && shape->second[dim] >= 0)
      return shape->second[dim];
    return named({dimName(argument, dim), own.str()});
  }
  std::optional<int64_t> integer(unsigned argument, llvm::StringRef own) {
    return named({argumentName(argument), own.str()});
  }
  const Sizes *shape(unsigned argument) const {
    const auto found = shapes_.find(argument);
    return found == shapes_.end() ? nullptr : &found->second;
  }
  mlir::Type element(unsigned argument) const {
    const auto found = elements_.find(argument);
    return found == elements_.end() ? mlir::Type() : found->second;
  }

  /// Names and arguments that nothing has asked for.
  LogicalResult checkUsed(mlir::func::FuncOp entry) const {
    for (const auto &[name, size] : sizes_)
      if (!used_.count(name)) {
        const std::vector<std::string> valid(asked_.begin(), asked_.end());
        return entry.emitError() << fmt::format(
                   "--dim {}={} names no dimension of @{}{}; there are {}", name, size,
                   entry.getName().str(), hw::suggestion(name, valid),
                   valid.empty() ? "none" : fmt::format("{}", fmt::join(valid, ", ")));
      }
    for (const auto &[argument, shape] : shapes_)
      if (argument >= entry.getNumArguments() ||
          !llvm::isa<mlir::ShapedType>(entry.getArgumentTypes()[argument]))
        return entry.emitError() << fmt::format("--arg-shape {}=... is for argument {} of @{}, "
                                                "which has {} arguments, and is no "
                                                "tensor or buffer",
                                                argument, argument, entry.getName().str(),
                                                entry.getNumArguments());
    return success();
  }

private:
  LogicalResult readShape(mlir::func::FuncOp entry, const std::string &text) {
    const auto wrong = [&](const char *what) {
      return entry.emitError() << "--arg-shape '" << text << "' " << what
                               << "; it is of the form 0=4096x?x64xbf16, the element type may be "
                                  "left out";
    };
    const auto [index, shape] = llvm::StringRef(text).split('=');
    unsigned argument = 0;
    if (index.getAsInteger(10, argument) || shape.empty())
      return wrong("does not say which argument it is of");
    Sizes sizes;
    llvm::StringRef rest = shape;
    while (!rest.empty() && (llvm::isDigit(rest.front()) || rest.front() == '?')) {
      const auto [one, others] = rest.split('x');
      int64_t size = -1;
      if (one != "?" && one.getAsInteger(10, size))
        return wrong("has a dimension that is no number");
      sizes.push_back(size);
      rest = others;
    }
    if (!rest.empty()) {
      const mlir::Type type = elementCalled(entry.getContext(), rest);
      if (!type)
        return wrong("ends in no element type that is known");
      elements_[argument] = type;
    }
    shapes_[argument] = std::move(sizes);
    return success();
  }

  /// As MLIR or as the command line calls it.
  static mlir::Type elementCalled(mlir::MLIRContext *context, llvm::StringRef name) {
    mlir::Builder builder(context);
    if (const auto dtype = parseDType(name))
      return typeOf(context, *dtype);
    unsigned width = 0;
    if (name.starts_with("i") && !name.drop_front().getAsInteger(10, width) && width > 0 &&
        width <= 64)
      return builder.getIntegerType(width);
    const std::pair<const char *, mlir::Type> floats[] = {
        {"f64", builder.getF64Type()},
        {"f32", builder.getF32Type()},
        {"f16", builder.getF16Type()},
        {"f8E4M3FN", builder.getFloat8E4M3FNType()},
        {"f8E5M2", builder.getFloat8E5M2Type()}};
    for (const auto &[called, type] : floats)
      if (name == called)
        return type;
    return {};
  }

  std::optional<int64_t> named(std::initializer_list<std::string> names) {
    std::optional<int64_t> size;
    for (const std::string &name : names) {
      if (name.empty())
        continue;
      asked_.insert(name);
      const auto found = sizes_.find(name);
      if (found == sizes_.end() || size)
        continue;
      size = found->second;
      used_.insert(name);
    }
    return size;
  }

  std::map<std::string, int64_t> sizes_;
  std::map<unsigned, Sizes> shapes_;
  std::map<unsigned, mlir::Type> elements_;
  std::set<std::string> asked_, used_;
};

} // namespace

LogicalResult LinalgImporter::readArguments(mlir::func::FuncOp entry) {
  Given given;
  if (given.read(entry, options_).failed())
    return failure();
  mlir::Block &body = step_.getBody().front();
  for (mlir::BlockArgument argument : entry.getArguments()) {
    const unsigned index = argument.getArgNumber();
    auto type = llvm::dyn_cast<mlir::ShapedType>(argument.getType());
    if (!type) {
      const auto own = entry.getArgAttrOfType<mlir::StringAttr>(index, kDimsAttr);
      if (argument.getType().isIntOrIndex())
        if (const auto value = given.integer(index, own ? own.getValue() : ""))
          numbers_[argument] = *value;
      continue;
    }
    const Sizes *shape = given.shape(index);
    if (!type.hasRank() && !shape)
      return entry.emitError() << "argument " << index << " of type " << type
                               << " has no rank; give --arg-shape " << index << "=4096x4096";
    if (type.hasRank() && shape && static_cast<size_t>(type.getRank()) != shape->size())
      return entry.emitError() << "--arg-shape " << index << " has " << shape->size()
                               << " dimensions; the argument's type is " << type;
    Sizes sizes =
        type.hasRank() ? Sizes(type.getShape()) : Sizes(shape->size(), mlir::ShapedType::kDynamic);
    const auto names = entry.getArgAttrOfType<mlir::ArrayAttr>(index, kDimsAttr);
    for (size_t dim = 0; dim < sizes.size(); ++dim) {
      const auto own = names && dim < names.size() ? llvm::dyn_cast<mlir::StringAttr>(names[dim])
                                                   : mlir::StringAttr();
      const std::optional<int64_t> size = given.size(index, dim, own ? own.getValue() : "");
      if (!mlir::ShapedType::isDynamic(sizes[dim])) {
        if (size && *size != sizes[dim])
          return entry.emitError()
                 << "argument " << index << " of type " << type << " has dimension " << dim
                 << " of " << sizes[dim] << ", not " << *size;
        continue;
      }
      if (!size)
        return entry.emitError() << "argument " << index << " of type " << type
                                 << " leaves dimension " << dim << " open; give --dim "
                                 << (own && !own.empty() ? own.str() : dimName(index, dim))
                                 << "=N or --arg-shape " << index << "=SHAPE";
      sizes[dim] = *size;
    }
    const mlir::Type element = given.element(index) ? given.element(index) : type.getElementType();
    if (element != type.getElementType())
      return entry.emitError() << "--arg-shape " << index << " has elements of type " << element
                               << "; the argument's type is " << type;
    FailureOr<Sizes> valid = checked(*entry, std::move(sizes), element);
    if (failed(valid))
      return failure();
    const mlir::RankedTensorType own = emitter(*entry).type(*valid, element);
    const mlir::Value value =
        entry.getArgAttr(index, kParameterAttr)
            ? mlir::Value(builder_.create<WeightOp>(
                  argument.getLoc(), own, builder_.getStringAttr(argumentName(index)),
                  Shard::replicated, nullptr, nullptr, Scaling::none))
            : mlir::Value(body.addArgument(own, argument.getLoc()));
    define(argument, {value, std::move(*valid), element, Content::data});
  }
  return given.checkUsed(entry);
}

} // namespace mansard::ir
