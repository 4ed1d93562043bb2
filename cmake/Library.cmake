# libwsswift.so out of the modules: which symbols leave it, what it may need, and how it behaves when loaded.

# The version script: what the header declares, and nothing else. A declaration starts at the left margin.
file(STRINGS include/wsswift.h exported REGEX "^[A-Za-z].*[ *]ws_[a-z0-9_]+\\(")
list(TRANSFORM exported REPLACE ".*[ *](ws_[a-z0-9_]+)\\(.*" "\\1")
list(JOIN exported ";\n    " declarations)
set(version_script "${CMAKE_CURRENT_BINARY_DIR}/wsswift.map")
file(CONFIGURE OUTPUT "${version_script}" CONTENT
     "WSSWIFT_@PROJECT_VERSION_MAJOR@ {\n  global:\n    @declarations@;\n  local:\n    *;\n};\n" @ONLY)

# The C compiler links: the Swift one would add its runtime, and moves linker options away from the archives they are for.
add_library(wsswift SHARED Sources/CLinux/embedded_runtime.c)
target_compile_options(wsswift PRIVATE ${c_options})
set_target_properties(wsswift PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(wsswift PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,WSCABI>")
# nodelete: unloading code whose threads may still run is never safe.
target_link_options(wsswift PRIVATE LINKER:-z,nodelete LINKER:-z,now LINKER:-z,relro LINKER:-z,noexecstack LINKER:--as-needed
                    LINKER:--build-id=sha1 "LINKER:--version-script=${version_script}")

# Swift exports with protected visibility; a program built -no-pie -fno-pic could then not take a function's address.
add_custom_command(TARGET WSCABI POST_BUILD COMMENT "Giving ws_* default visibility"
                   COMMAND "${WSSWIFT_OBJCOPY}" --wildcard --set-symbol-visibility=ws_*=default $<TARGET_FILE:WSCABI>)

if(WSSWIFT_EMBEDDED)
  target_compile_definitions(wsswift PRIVATE WSSWIFT_EMBEDDED_RUNTIME)
  target_link_options(wsswift PRIVATE LINKER:--gc-sections)
else()
  # Ordinary Swift needs its runtime, which registers each library's types through swiftrt.o.
  target_link_libraries(wsswift PRIVATE "${swift_runtime}/${CMAKE_SYSTEM_PROCESSOR}/swiftrt.o" swiftCore swiftSynchronization
                        swift_Concurrency swift_StringProcessing m)
  target_link_directories(wsswift PRIVATE "${swift_runtime}")
  set_target_properties(wsswift PROPERTIES BUILD_RPATH "${swift_runtime}")
endif()
if(WSSWIFT_SANITIZE)
  target_link_options(wsswift PRIVATE -fsanitize=${WSSWIFT_SANITIZE} -fuse-ld=lld)
else()
  # With a sanitizer some symbols come from the program.
  target_link_options(wsswift PRIVATE LINKER:-z,defs)
endif()

set_target_properties(wsswift PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}
                      LINK_DEPENDS "${version_script}")
target_include_directories(wsswift INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(wsswift::wsswift ALIAS wsswift)
