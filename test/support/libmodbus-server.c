/*
 * A Modbus server of libmodbus, the C library, for tests against an implementation that is not ours.
 * Without arguments it listens on a free port of the loopback interface and prints it; with `as UNIT` it answers under
 * that unit id whichever was asked, as some gateways do. With `rtu UNIT` it is the device at one end of a serial line (a
 * pty) and prints the path of the other end; with `rtu UNIT echo` every request comes back before its answer, as from a
 * two-wire adapter. It serves until its standard input closes.
 * What lies at which address is listed in libmodbus.test.ts of the adapter.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <iconv.h>
#include <modbus.h>
#include <netinet/in.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define SIZE 2000

static void put(uint16_t *at, uint16_t first, uint16_t second) {
  at[0] = first;
  at[1] = second;
}

/* A text as iconv writes it, high byte first; what is left of its registers is NUL. */
static void put_text(uint16_t *at, int registers, const char *encoding, const char *utf8) {
  char bytes[64] = {0}, *to = bytes, *from = (char *)utf8;
  size_t left = strlen(utf8), room = sizeof bytes;
  iconv_t converter = iconv_open(encoding, "UTF-8");
  if (converter == (iconv_t)-1 || iconv(converter, &from, &left, &to, &room) == (size_t)-1) {
    fprintf(stderr, "iconv does not know %s\n", encoding);
    exit(1);
  }
  iconv_close(converter);
  for (int i = 0; i < registers; i++)
    at[i] = (uint16_t)((unsigned char)bytes[2 * i] << 8 | (unsigned char)bytes[2 * i + 1]);
}

static void put_double(uint16_t *at, double value) {
  int64_t bits;
  memcpy(&bits, &value, sizeof bits);
  MODBUS_SET_INT64_TO_INT16(at, 0, bits);
}

static void fill(modbus_mapping_t *map) {
  uint16_t *holding = map->tab_registers;
  for (int i = 0; i < SIZE; i++) {
    holding[i] = (uint16_t)i;
    map->tab_input_registers[i] = (uint16_t)(SIZE - i);
    map->tab_bits[i] = i % 3 == 0;
    map->tab_input_bits[i] = i % 2;
  }
  /* 0x47f12040 by hand: modbus_set_float_abcd writes BADC on little-endian machines (3.1.6). */
  put(&holding[0], 0x47f1, 0x2040);
  put(&holding[2], 0x2040, 0x47f1);
  put(&holding[4], 0xf147, 0x4020);
  put(&holding[6], 0x4020, 0xf147);
  MODBUS_SET_INT32_TO_INT16(holding, 8, -123456);
  MODBUS_SET_INT64_TO_INT16(holding, 10, 9007199254740995LL);
  holding[14] = (uint16_t)-40;
  holding[15] = 1 << 3;
  MODBUS_SET_INT64_TO_INT16(holding, 20, -9007199254740993LL);
  put_double(&holding[24], -1234.5678);
  put_double(&holding[28], 0.0 / 0.0);
  MODBUS_SET_INT32_TO_INT16(holding, 32, 1764011045);
  put_text(&holding[40], 8, "CP932", "①プレス高橋");
  put_text(&holding[50], 8, "CP949", "똠방 압력");
  put_text(&holding[60], 8, "UTF-16BE", "温度 Ω");
}

static int serve_rtu(int unit, int echo) {
  int master, slave;
  char path[64];
  struct termios raw;
  modbus_t *ctx = modbus_new_rtu("/dev/ptmx", 9600, 'N', 8, 1);
  modbus_mapping_t *map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
  if (!ctx || !map || openpty(&master, &slave, path, NULL, NULL) < 0) {
    fprintf(stderr, "cannot open a pty: %s\n", modbus_strerror(errno));
    return 1;
  }
  /* The slave stays open here, or the master would end with the first client. */
  tcgetattr(slave, &raw);
  cfmakeraw(&raw);
  tcsetattr(slave, TCSANOW, &raw);
  modbus_set_slave(ctx, unit);
  /* After a request to another unit it takes what comes in the first time for that one's answer. */
  modbus_set_response_timeout(ctx, 0, 50000);
  modbus_set_indication_timeout(ctx, 0, 500000);
  modbus_set_socket(ctx, master);
  fill(map);
  printf("%s\n", path);
  fflush(stdout);
  for (;;) {
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(STDIN_FILENO, &ready);
    FD_SET(master, &ready);
    if (select(master + 1, &ready, NULL, NULL, NULL) < 0) return 1;
    if (FD_ISSET(STDIN_FILENO, &ready)) return 0;
    uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
    int n;
    do n = modbus_receive(ctx, query);
    while (n == 0);
    if (n < 0) continue;
    if (echo && write(master, query, n) != n) return 1;
    modbus_reply(ctx, query, n, map);
  }
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "rtu") == 0) return serve_rtu(atoi(argv[2]), argc > 3);
  int unit = argc > 2 ? atoi(argv[2]) : -1;
  modbus_t *ctx = modbus_new_tcp("127.0.0.1", 0);
  modbus_mapping_t *map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
  int listener = ctx && map ? modbus_tcp_listen(ctx, 16) : -1;
  struct sockaddr_in at;
  socklen_t length = sizeof at;
  if (listener < 0 || getsockname(listener, (struct sockaddr *)&at, &length) < 0) {
    fprintf(stderr, "cannot listen: %s\n", modbus_strerror(errno));
    return 1;
  }
  fill(map);
  printf("%d\n", ntohs(at.sin_port));
  fflush(stdout);

  fd_set open;
  FD_ZERO(&open);
  FD_SET(STDIN_FILENO, &open);
  FD_SET(listener, &open);
  for (;;) {
    fd_set ready = open;
    if (select(FD_SETSIZE, &ready, NULL, NULL, NULL) < 0) return 1;
    if (FD_ISSET(STDIN_FILENO, &ready)) return 0;
    for (int fd = 0; fd < FD_SETSIZE; fd++) {
      if (!FD_ISSET(fd, &ready)) continue;
      if (fd == listener) {
        int client = accept(listener, NULL, NULL);
        if (client >= 0) FD_SET(client, &open);
        continue;
      }
      uint8_t query[MODBUS_TCP_MAX_ADU_LENGTH];
      modbus_set_socket(ctx, fd);
      int n = modbus_receive(ctx, query);
      if (n > 6 && unit >= 0) query[6] = (uint8_t)unit;
      if (n > 0) modbus_reply(ctx, query, n, map);
      else if (n < 0) {
        close(fd);
        FD_CLR(fd, &open);
      }
    }
  }
}
