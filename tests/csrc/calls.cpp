// pydream_calls: reads calls of pydream.h from standard input and writes their results to standard output, so that
// tests/tools/architectures.py can compare processors. Bytes are little-endian on all of them.
//
// A call is a line, `zoom f32 3 20 30 40 50`, and the bytes of its arrays after it. A result is the status, one byte, and
// the bytes of what is written.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "api.hpp"

namespace {

constexpr int threads = 2;

[[noreturn]] void stop(const char* text) {
    std::fprintf(stderr, "pydream_calls: %s\n", text);
    std::exit(1);
}

// Exchanges memory's order with that of a little-endian processor.
template <class T>
void to_or_from_little(std::vector<T>& numbers) {
    const std::uint16_t one = 1;
    unsigned char first;
    std::memcpy(&first, &one, 1);
    if (first == 1) return;
    for (T& number : numbers) {
        std::array<unsigned char, sizeof(T)> bytes;
        std::memcpy(bytes.data(), &number, sizeof(T));
        std::reverse(bytes.begin(), bytes.end());
        std::memcpy(&number, bytes.data(), sizeof(T));
    }
}

template <class T>
std::vector<T> read(std::ptrdiff_t count) {
    std::vector<T> numbers(static_cast<std::size_t>(count));
    if (std::fread(numbers.data(), sizeof(T), numbers.size(), stdin) != numbers.size()) stop("an array is too short");
    to_or_from_little(numbers);
    return numbers;
}

template <class T>
void write(std::vector<T> numbers) {
    to_or_from_little(numbers);
    if (std::fwrite(numbers.data(), sizeof(T), numbers.size(), stdout) != numbers.size()) stop("no space");
}

template <class T>
void write(pydream_status status, const std::vector<T>& numbers) {
    write(std::vector<unsigned char>{static_cast<unsigned char>(status)});
    write(numbers);
}

// The whole numbers of a line, one after the other.
class Numbers {
public:
    explicit Numbers(const char* text) : rest_(text) {}
    std::ptrdiff_t next() {
        char* end = nullptr;
        const long long number = std::strtoll(rest_, &end, 10);
        if (end == rest_) stop("a line is too short");
        rest_ = end;
        return static_cast<std::ptrdiff_t>(number);
    }
    int flag() { return static_cast<int>(next()); }

private:
    const char* rest_;
};

template <class T>
void move(decltype(test::Api<T>::affine_transform) function, Numbers& line) {
    const std::ptrdiff_t height = line.next(), width = line.next(), channels = line.next();
    const int diagonal = line.flag(), offset_first = line.flag();
    const std::vector<double> matrix = read<double>(diagonal != 0 ? 2 : 4), offset = read<double>(2);
    const std::vector<T> in = read<T>(height * width * channels);
    std::vector<T> out(in.size());
    const pydream_status status = function(out.data(), in.data(), height, width, channels, matrix.data(), diagonal,
                                           offset.data(), offset_first, threads);
    write(status, out);
}

template <class T>
void call(const char* name, Numbers& line) {
    using A = test::Api<T>;
    const auto is = [name](const char* other) { return std::strcmp(name, other) == 0; };
    if (is("affine_transform")) return move<T>(A::affine_transform, line);
    if (is("affine_transform_adjoint")) return move<T>(A::affine_transform_adjoint, line);
    if (is("mean_abs")) {
        const std::ptrdiff_t n = line.next(), block = line.next();
        const std::vector<T> g = read<T>(n);
        std::vector<T> mean(1);
        return write(A::mean_abs(mean.data(), g.data(), n, block, threads), mean);
    }
    if (is("ascend")) {
        const std::ptrdiff_t n = line.next(), block = line.next();
        const double step_size = read<double>(1)[0];
        std::vector<T> x = read<T>(n);
        const std::vector<T> g = read<T>(n);
        const pydream_status status = A::ascend(x.data(), g.data(), n, step_size, block, threads);
        return write(status, x);
    }
    if (is("clip")) {
        const std::ptrdiff_t channels = line.next(), pixels = line.next();
        std::vector<T> x = read<T>(channels * pixels);
        const std::vector<T> low = read<T>(channels), high = read<T>(channels);
        const pydream_status status = A::clip(x.data(), low.data(), high.data(), channels, pixels, threads);
        return write(status, x);
    }
    const std::ptrdiff_t channels = line.next(), height = line.next(), width = line.next();
    const std::ptrdiff_t n = channels * height * width;
    if (is("zoom")) {
        const std::ptrdiff_t out_height = line.next(), out_width = line.next();
        const std::vector<T> in = read<T>(n);
        std::vector<T> out(static_cast<std::size_t>(channels * out_height * out_width));
        const pydream_status status =
            A::zoom(out.data(), in.data(), channels, height, width, out_height, out_width, threads);
        return write(status, out);
    }
    const std::ptrdiff_t ox = line.next(), oy = line.next();
    if (is("roll")) {
        const std::vector<T> in = read<T>(n);
        std::vector<T> out(in.size());
        const pydream_status status = A::roll(out.data(), in.data(), channels, height, width, ox, oy, threads);
        return write(status, out);
    }
    const int channels_last = line.flag();
    if (is("to_tensor")) {
        const std::vector<T> in = read<T>(n);
        std::vector<T> out(in.size());
        const pydream_status status =
            A::to_tensor(out.data(), in.data(), channels, height, width, ox, oy, channels_last, threads);
        return write(status, out);
    }
    if (is("ascend_tensor")) {
        const std::ptrdiff_t block = line.next();
        const double step_size = read<double>(1)[0];
        std::vector<T> x = read<T>(n);
        const std::vector<T> g = read<T>(n), low = read<T>(channels), high = read<T>(channels);
        std::vector<T> mean(1);
        const pydream_status status = A::ascend_tensor(x.data(), g.data(), channels, height, width, ox, oy, channels_last,
                                                       step_size, low.data(), high.data(), mean.data(), block, threads);
        write(status, x);
        return write(mean);
    }
    stop("no such function");
}

}  // namespace

int main() {
#ifdef _WIN32  // where the bytes of a stream are text, unless one says otherwise
    _setmode(_fileno(stdin), _O_BINARY);
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    char line[256];
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        char name[32], type[8];
        int used = 0;
        if (std::sscanf(line, "%31s %7s%n", name, type, &used) != 2) stop("a line has no function and type");
        Numbers numbers(line + used);
        if (std::strcmp(type, "f32") == 0) {
            call<float>(name, numbers);
        } else {
            call<double>(name, numbers);
        }
    }
    return 0;
}
