# Windows, with Debian's MinGW-w64 and its threads of POSIX, and programs run by Wine where it is installed:
# `apt install g++-mingw-w64-x86-64-posix wine64`
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)  # programs need none of the compiler's own DLLs
set(CMAKE_SHARED_LINKER_FLAGS_INIT -static)
find_program(PYDREAM_WINE NAMES wine64 wine PATHS /usr/lib/wine)
if(PYDREAM_WINE)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${PYDREAM_WINE})
endif()
