# wsswift_c_program(NAME): how the example and test programs are compiled and linked. A warning in them is an error, since
# they show others how the header is used.
find_package(Threads REQUIRED)

function(wsswift_c_program name)
  add_executable(${name} ${name}.c)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_compile_options(${name} PRIVATE -Wall -Wextra -pedantic -Werror)
  target_link_libraries(${name} PRIVATE wsswift Threads::Threads)
  if(WSSWIFT_SANITIZE)
    target_compile_options(${name} PRIVATE -fsanitize=${WSSWIFT_SANITIZE})
    target_link_options(${name} PRIVATE -fsanitize=${WSSWIFT_SANITIZE} -fuse-ld=lld)
  endif()
  if(WSSWIFT_SANITIZE STREQUAL "thread")
    # The toolchain's thread sanitizer knows dispatch queues and wants their library.
    target_link_directories(${name} PRIVATE "${swift_runtime}")
    target_link_libraries(${name} PRIVATE dispatch BlocksRuntime)
    set_target_properties(${name} PROPERTIES BUILD_RPATH "${swift_runtime}")
  endif()
endfunction()
