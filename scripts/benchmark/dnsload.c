/* Asks a name server over UDP, keeping `window` questions under way, and checks every answer.
 *
 * dnsload PORT SECONDS WINDOW NAMES SUBNETS SEED: names play0 to playN-1 under cdn.example, type A;
 * with SUBNETS 1 each question has a client subnet (RFC 7871) of its own, drawn at random. A
 * question that is not answered within 200 ms counts as lost. Prints one JSON object.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

enum { IDS = 65536, PACKET_MAX = 1500, LOST_AFTER_NS = 200000000 };

static uint64_t state;

static uint64_t draw(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t now_ns(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static size_t write_question(uint8_t *out, uint16_t id, int number, int with_subnet) {
    char label[16];
    int length = snprintf(label, sizeof label, "play%d", number);
    uint8_t *at = out;
    uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 0, 0, 0, 1, 0, 0, 0, 0, 0, (uint8_t)with_subnet};
    memcpy(at, head, sizeof head);
    at += sizeof head;
    *at++ = (uint8_t)length;
    memcpy(at, label, (size_t)length);
    at += length;
    static const uint8_t rest[] = "\3cdn\7example\0\0\1\0\1";
    memcpy(at, rest, sizeof rest - 1);
    at += sizeof rest - 1;
    if (with_subnet) {
        uint64_t bits = draw();
        uint8_t option[] = {0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 11, 0, 8, 0, 7, 0, 1, 24, 0,
                            (uint8_t)(1 + bits % 200), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
        memcpy(at, option, sizeof option);
        at += sizeof option;
    }
    return (size_t)(at - out);
}

int main(int argc, char **argv) {
    if (argc != 7) {
        fprintf(stderr, "usage: dnsload PORT SECONDS WINDOW NAMES SUBNETS SEED\n");
        return 2;
    }
    double seconds = atof(argv[2]);
    int window = atoi(argv[3]), names = atoi(argv[4]), with_subnet = atoi(argv[5]);
    state = strtoull(argv[6], NULL, 10) * 2654435761u + 88172645463325252u;
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server)) {
        perror("dnsload");
        return 1;
    }
    static uint64_t asked_at[IDS];
    uint64_t began = now_ns(), until = began + (uint64_t)(seconds * 1e9), now = began;
    uint64_t answered = 0, errors = 0, lost = 0, swept = began;
    int under_way = 0;
    uint16_t id = 0;
    uint8_t packet[PACKET_MAX];
    while (now < until) {
        while (under_way < window) {
            id++;
            if (asked_at[id]) continue;
            size_t size = write_question(packet, id, (int)(draw() % (uint64_t)names), with_subnet);
            if (send(fd, packet, size, MSG_DONTWAIT) < 0) break;
            asked_at[id] = now;
            under_way++;
        }
        for (int turn = 0; turn < 64; turn++) {
            ssize_t size = recv(fd, packet, sizeof packet, MSG_DONTWAIT);
            if (size < 0) break;
            uint16_t which = size < 12 ? 0 : (uint16_t)(packet[0] << 8 | packet[1]);
            if (size < 12 || !asked_at[which]) continue;
            asked_at[which] = 0;
            under_way--;
            answered++;
            if (!(packet[2] & 0x80) || packet[3] & 15 || !(packet[6] << 8 | packet[7])) errors++;
        }
        now = now_ns();
        if (now - swept > LOST_AFTER_NS) {
            for (int each = 0; each < IDS; each++)
                if (asked_at[each] && now - asked_at[each] > LOST_AFTER_NS) {
                    asked_at[each] = 0;
                    under_way--;
                    lost++;
                }
            swept = now;
        }
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    double cpu = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                 (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    printf("{\"answers\": %llu, \"errors\": %llu, \"lost\": %llu, \"seconds\": %.6f, \"cpu_seconds\": %.6f}\n",
           (unsigned long long)answered, (unsigned long long)errors, (unsigned long long)lost,
           (double)(now - began) / 1e9, cpu);
    return 0;
}
