// pydream_tests [FILE]: runs all tests, or those of FILE_test.cpp; exits with 1 if one fails or there are none.
#include <exception>

#include "test.hpp"

namespace test {

std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

}  // namespace test

int main(int argc, char** argv) {
    int passed = 0, failed = 0;
    for (const test::Case& c : test::cases()) {
        if (argc > 1 && std::strcmp(argv[1], c.file) != 0) continue;
        try {
            c.run();
            ++passed;
        } catch (const std::exception& error) {
            std::printf("FAILED %s: %s: %s\n", c.file, c.name, error.what());
            ++failed;
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}
