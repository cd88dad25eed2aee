# WebAssembly, with Zig's Clang and C library: `pip install ziglang`, then
#
#     cmake -B build/wasm32 -DCMAKE_TOOLCHAIN_FILE=csrc/toolchains/wasm32.cmake -DPYDREAM_THREADS=OFF
#
# -DCMAKE_CXX_FLAGS=-msimd128 adds vectors of 128 bits, which change no result.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR wasm32)

find_program(PYDREAM_ZIG NAMES zig python-zig REQUIRED)  # Zig's own name, and that of the package on PyPI
set(CMAKE_C_COMPILER ${PYDREAM_ZIG} cc -target wasm32-wasi)
set(CMAKE_CXX_COMPILER ${PYDREAM_ZIG} c++ -target wasm32-wasi)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY)  # to link a program takes a minute, once: Zig compiles its libraries

# Zig's ar is a word of its command line too, for which CMAKE_AR has no place.
set(CMAKE_AR ${PYDREAM_ZIG})
set(CMAKE_RANLIB ${PYDREAM_ZIG})
foreach(language C CXX)
  set(CMAKE_${language}_ARCHIVE_CREATE "<CMAKE_AR> ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_APPEND "<CMAKE_AR> ar q <TARGET> <LINK_FLAGS> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "<CMAKE_RANLIB> ranlib <TARGET>")
  set(CMAKE_${language}_FLAGS_INIT -g0)
  set(CMAKE_EXECUTABLE_SUFFIX_${language} .wasm)
endforeach()

# Programs run by wasmtime from PyPI.
find_program(PYDREAM_PYTHON_COMMAND NAMES python3 python)
set(CMAKE_CROSSCOMPILING_EMULATOR
  ${PYDREAM_PYTHON_COMMAND} ${CMAKE_CURRENT_LIST_DIR}/../../tests/tools/run_wasm.py)

# pydream_wasm_module(TARGET NAMES...): the executable TARGET is a module without main, which exports its memory, malloc,
# free and the functions with these names. Call the exported _initialize first.
function(pydream_wasm_module target)
  target_link_options(${target} PRIVATE -mexec-model=reactor -Wl,--strip-all)
  foreach(name malloc free ${ARGN})
    target_link_options(${target} PRIVATE LINKER:--export=${name})
  endforeach()
endfunction()
