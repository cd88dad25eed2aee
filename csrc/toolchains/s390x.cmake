# Big-endian: `apt install g++-s390x-linux-gnu qemu-user`
set(CMAKE_SYSTEM_PROCESSOR s390x)
include(${CMAKE_CURRENT_LIST_DIR}/gnu.cmake)
