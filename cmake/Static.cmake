# libwsswift.a out of the same archives: one object in which everything but ws_* is local, so that it can stand in a program
# beside any other library, another one of Embedded Swift included.
set(static_library "${CMAKE_CURRENT_BINARY_DIR}/libwsswift.a")
set(static_object "${CMAKE_CURRENT_BINARY_DIR}/wsswift.o")

# The names of the header are what gc-sections starts from.
list(JOIN exported "\n-u " roots)
file(CONFIGURE OUTPUT wsswift.roots CONTENT "-u @roots@\n" @ONLY)

add_custom_command(
  OUTPUT "${static_library}" COMMENT "Linking libwsswift.a" VERBATIM COMMAND_EXPAND_LISTS
  COMMAND "${CMAKE_C_COMPILER}" -r -nostdlib -o "${static_object}" "-Wl,@${CMAKE_CURRENT_BINARY_DIR}/wsswift.roots"
          -Wl,--gc-sections $<TARGET_OBJECTS:wsswift> $<TARGET_FILE:WSCABI> $<TARGET_FILE:WSSwift>
          $<TARGET_FILE:WSTLS> $<TARGET_FILE:WSTransport> $<TARGET_FILE:WSProtocol> $<TARGET_FILE:COpenSSL>
          $<TARGET_FILE:CMemory> "${WSSWIFT_UNICODE}"
  COMMAND "${WSSWIFT_OBJCOPY}" --strip-debug --wildcard "--keep-global-symbol=ws_*" "${static_object}"
  COMMAND "${CMAKE_COMMAND}" -E rm -f "${static_library}"
  COMMAND "${CMAKE_AR}" qcsD "${static_library}" "${static_object}"
  DEPENDS wsswift "${CMAKE_CURRENT_BINARY_DIR}/wsswift.roots")
add_custom_target(wsswift_archive ALL DEPENDS "${static_library}")

# For `objcopy --redefine-syms`, when even the ws_* names are somebody else's.
list(TRANSFORM exported REPLACE "^ws_(.*)" "ws_\\1 wsswift_\\1" OUTPUT_VARIABLE renamings)
list(JOIN renamings "\n" renamings)
file(CONFIGURE OUTPUT redefine-syms.txt CONTENT "@renamings@\n" @ONLY)

# The target wsswift::static; compression needs libz, Swift's hash tables libm.
add_library(wsswift_static INTERFACE)
add_dependencies(wsswift_static wsswift_archive)
set_target_properties(wsswift_static PROPERTIES EXPORT_NAME static)
target_link_libraries(wsswift_static INTERFACE $<BUILD_INTERFACE:${static_library}>
                      $<INSTALL_INTERFACE:$<INSTALL_PREFIX>/${CMAKE_INSTALL_LIBDIR}/libwsswift.a> z m)
target_include_directories(wsswift_static INTERFACE $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
                           $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(wsswift::static ALIAS wsswift_static)
