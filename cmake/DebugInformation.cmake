# libwsswift.so.VERSION.debug beside the library: the line numbers that `cmake --install --strip` takes away. The library
# names that file (.gnu_debuglink) and both bear the same build-id, so debuggers find one from the other. The modules' indexes in
# .debug_names stand one behind the other; gdb believes the first alone and then knows no lines, without them it reads all.
set(debug_information "$<TARGET_FILE:wsswift>.debug")
add_custom_command(
  TARGET wsswift POST_BUILD COMMENT "Writing the separate debug information" VERBATIM
  COMMAND "${WSSWIFT_OBJCOPY}" --remove-section=.debug_names $<TARGET_FILE:wsswift>
  COMMAND "${WSSWIFT_OBJCOPY}" --only-keep-debug $<TARGET_FILE:wsswift> "${debug_information}"
  COMMAND "${WSSWIFT_OBJCOPY}" "--add-gnu-debuglink=${debug_information}" $<TARGET_FILE:wsswift>)

# cmake --install build --component debug: where gdb looks without being told.
install(FILES "${debug_information}" DESTINATION "${CMAKE_INSTALL_LIBDIR}/.debug" COMPONENT debug EXCLUDE_FROM_ALL)
