/* One program with wsswift's static library and another library of Embedded Swift: both work. */
#include <wsswift.h>

int32_t neighbour_words(int32_t repeats);

int main(void) {
  ws_dialer *dialer = NULL;
  ws_conn *conn = NULL;
  ws_failure failure = {.struct_size = sizeof failure};
  if (neighbour_words(100) != 7 || ws_dialer_new(&dialer) != WS_OK) return 1;
  int status = ws_dialer_dial(dialer, "ws://127.0.0.1:1/", -1, &conn, &failure);
  ws_dialer_free(dialer);
  return status == WS_ERR_CONNECT && failure.text[0] != 0 && neighbour_words(3) == 3 ? 0 : 2;
}
