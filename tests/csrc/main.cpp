// pydream_tests [FILE]: runs all tests, or those of FILE_test.cpp; exits with 1 if one fails or there are none. Without
// exceptions, the first that fails is the last.
#include "test.hpp"

namespace test {

std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

const Case*& running() {
    static const Case* one = nullptr;
    return one;
}

}  // namespace test

int main(int argc, char** argv) {
    int passed = 0, failed = 0;
    for (const test::Case& c : test::cases()) {
        if (argc > 1 && std::strcmp(argv[1], c.file) != 0) continue;
        test::running() = &c;
#ifdef __cpp_exceptions
        try {
            c.run();
            ++passed;
        } catch (const std::exception& error) {
            test::report(error.what());
            ++failed;
        }
#else
        c.run();
        ++passed;
#endif
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
