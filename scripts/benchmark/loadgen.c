/*
 * HTTP/1.1 load on one port over keep-alive connections, from one thread and one epoll.
 *
 * Every answer is checked: status, Content-Length, Content-Range or Location; with --compare DIR
 * every byte, too. Otherwise bodies are dropped inside the kernel (MSG_TRUNC), so that this program
 * costs far less than the server it asks. With --poll it never sleeps: being woken would be charged
 * to the server. Prints one JSON object.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, REQUEST_MAX = 4096, EVENTS = 256, FIRST_READ = 2048, SMALL = 8192 };
enum { LINEAR_BITS = 7, SLOTS = 58 << LINEAR_BITS };
enum phase { CONNECTING, SENDING, HEAD, BODY, CLOSED };
enum outcome { WAITING, GOING_ON, GONE };

struct object {
    char *path;
    uint64_t size;
    const unsigned char *bytes;
};

struct connection {
    int fd;
    enum phase phase;
    unsigned answered, seen_body, must_close;
    const struct object *object;
    uint64_t asked_at, start, length, left, got;
    size_t request_size, request_sent, head_size;
    char request[REQUEST_MAX];
    char head[HEAD_MAX];
};

/* Microseconds; exact below 2^LINEAR_BITS, then as many slots for each power of two. */
struct histogram {
    uint64_t count, sum, largest;
    uint32_t slots[SLOTS];
};

static struct {
    int port, connections, status, poll, walk, has_at;
    uint64_t range, align, at, requests;
    double seconds, limit;
    const char *objects, *compare;
} option = {.connections = 64, .align = 1, .seconds = 1};

static struct object *objects;
static size_t object_count, walked;
static struct histogram until_head, until_body, until_end;
static struct {
    uint64_t requests, bytes, reconnects, unfinished;
    uint64_t status, length, range, location, data, connection, protocol;
} count;
static char first_error[320];
static unsigned char *scratch;
static const size_t scratch_size = 1 << 20;
static struct sockaddr_in server;
static int epoll;
static size_t open_connections;
static uint64_t random_state = 0x9E3779B97F4A7C15u;

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* splitmix64 */
static uint64_t draw(uint64_t below) {
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

static void note(struct histogram *h, uint64_t since) {
    uint64_t us = (now_ns() - since) / 1000;
    int shift = 0;
    while ((us >> shift) >> (LINEAR_BITS + 1)) shift++;
    size_t slot = ((size_t)shift << LINEAR_BITS) + (size_t)(us >> shift);
    h->slots[slot < SLOTS ? slot : SLOTS - 1]++;
    h->count++;
    h->sum += us;
    if (us > h->largest) h->largest = us;
}

static double percentile(const struct histogram *h, double share) {
    uint64_t wanted = (uint64_t)(share * (double)h->count), passed = 0;
    for (size_t slot = 0; slot < SLOTS; slot++) {
        passed += h->slots[slot];
        if (passed <= wanted) continue;
        if (slot < 2u << LINEAR_BITS) return (double)slot;
        size_t shift = (slot >> LINEAR_BITS) - 1;
        uint64_t low = (uint64_t)(slot - (shift << LINEAR_BITS)) << shift;
        return (double)low + (double)(1ull << shift) / 2;
    }
    return (double)h->largest;
}

static void complain(uint64_t *counter, const struct connection *c, const char *why) {
    ++*counter;
    if (first_error[0]) return;
    int line = (int)strcspn(c->head, "\r\n");
    snprintf(first_error, sizeof first_error, "%s; answer '%.*s' to %.120s", why,
             line < 80 ? line : 80, c->head_size ? c->head : "", c->object ? c->object->path : "?");
    for (char *p = first_error; *p; p++)
        if (*p == '"' || *p == '\\' || (unsigned char)*p < ' ') *p = '?';
}

static int dial(struct connection *c) {
    static const int on = 1;
    c->phase = CONNECTING;
    c->must_close = 0;
    c->head_size = 0;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) return -1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(c->fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) {
        close(c->fd);
        return -1;
    }
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event);
}

static enum outcome hang_up(struct connection *c, int again) {
    close(c->fd);
    c->phase = CLOSED;
    if (again && count.reconnects++ < 100000 && dial(c) == 0) return GONE;
    open_connections--;
    return GONE;
}

static enum outcome fail(struct connection *c, uint64_t *counter, const char *why) {
    complain(counter, c, why);
    if (option.requests) c->answered++;
    return hang_up(c, !(option.requests && c->answered >= option.requests));
}

static void ask(struct connection *c) {
    char range[80] = "";
    c->object = &objects[option.walk ? walked++ % object_count : draw(object_count)];
    c->start = 0;
    c->length = c->object->size;
    if (option.range) {
        if (option.range < c->length) c->length = option.range;
        uint64_t places = (c->object->size - c->length) / option.align + 1;
        c->start = option.has_at ? option.at : option.align * draw(places);
        snprintf(range, sizeof range, "Range: bytes=%llu-%llu\r\n", (unsigned long long)c->start,
                 (unsigned long long)(c->start + c->length - 1));
    }
    int size = snprintf(
        c->request, sizeof c->request,
        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: keep-alive\r\n"
        "sec-ch-ua-platform: \"Linux\"\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/131.0.0.0 Safari/537.36\r\n"
        "sec-ch-ua-mobile: ?0\r\nAccept: */*\r\nOrigin: http://player.example\r\n"
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n"
        "Referer: http://player.example/watch\r\nAccept-Encoding: identity\r\n"
        "Accept-Language: en-GB,en;q=0.9\r\n%s\r\n",
        c->object->path, option.port, range);
    c->request_size = (size_t)size < sizeof c->request ? (size_t)size : 0;
    c->request_sent = c->head_size = 0;
    c->got = c->seen_body = 0;
    c->phase = SENDING;
    c->asked_at = now_ns();
}

/* The value of a field in the head, which ends with a NUL; NULL when it is absent. */
static const char *field(const char *head, const char *name) {
    size_t size = strlen(name);
    for (const char *line = strchr(head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, size) == 0 && line[size] == ':')
            return line + size + 1 + strspn(line + size + 1, " \t");
    }
    return NULL;
}

static void take_body(struct connection *c, const unsigned char *bytes, uint64_t size) {
    if (!size) return;
    if (!c->seen_body) {
        c->seen_body = 1;
        note(&until_body, c->asked_at);
    }
    if (bytes && c->object->bytes) {
        uint64_t from = c->start + c->got;
        if (from + size > c->object->size || memcmp(c->object->bytes + from, bytes, size))
            complain(&count.data, c, "wrong bytes");
    }
    c->got += size;
    c->left -= size;
    count.bytes += size;
}

static void check_head(struct connection *c, int status, const char *length_text) {
    int wanted = option.status ? option.status : option.range ? 206 : 200;
    if (status != wanted) {
        complain(&count.status, c, "wrong status");
        return;
    }
    if (wanted / 100 == 3) {
        const char *location = field(c->head, "location");
        size_t size = location ? strcspn(location, "\r\n") : 0, path = strlen(c->object->path);
        if (size < path || strncmp(location + size - path, c->object->path, path))
            complain(&count.location, c, "wrong Location");
        return;
    }
    if (!length_text || c->left != c->length) complain(&count.length, c, "wrong Content-Length");
    if (!option.range) return;
    char range[96];
    size_t size = (size_t)snprintf(range, sizeof range, "bytes %llu-%llu/%llu",
                                   (unsigned long long)c->start,
                                   (unsigned long long)(c->start + c->length - 1),
                                   (unsigned long long)c->object->size);
    const char *got = field(c->head, "content-range");
    if (!got || strncmp(got, range, size) || !strchr("\r\n ", got[size]))
        complain(&count.range, c, "wrong Content-Range");
}

static enum outcome read_head(struct connection *c) {
    /* Of a large body as little as possible is copied here; the kernel drops the rest. */
    size_t room = sizeof c->head - 1 - c->head_size;
    if (c->length > SMALL && room > FIRST_READ) room = FIRST_READ;
    if (!room) return fail(c, &count.protocol, "head without end");
    ssize_t size = recv(c->fd, c->head + c->head_size, room, 0);
    if (size < 0 && errno == EAGAIN) return WAITING;
    if (size <= 0) return fail(c, &count.connection, "connection lost before the answer");
    if (!c->head_size) note(&until_head, c->asked_at);
    c->head_size += (size_t)size;
    char *end = memmem(c->head, c->head_size, "\r\n\r\n", 4);
    if (!end) return GOING_ON;
    size_t extra = c->head_size - (size_t)(end + 4 - c->head);
    c->head[c->head_size] = 0;
    char kept = end[2];
    end[2] = 0;
    const char *length_text = field(c->head, "content-length");
    const char *persistence = field(c->head, "connection");
    c->left = length_text ? strtoull(length_text, NULL, 10) : 0;
    c->must_close = persistence && strncasecmp(persistence, "close", 5) == 0;
    check_head(c, atoi(c->head + 9), length_text);
    end[2] = kept;
    if (!length_text) return fail(c, &count.protocol, "no Content-Length");
    if (extra > c->left) return fail(c, &count.protocol, "more bytes than announced");
    take_body(c, (unsigned char *)end + 4, extra);
    c->phase = BODY;
    return GOING_ON;
}

static enum outcome read_body(struct connection *c) {
    while (c->left) {
        ssize_t size;
        if (c->object->bytes)
            size = recv(c->fd, scratch, c->left < scratch_size ? c->left : scratch_size, 0);
        else
            size = recv(c->fd, NULL, c->left < 1u << 30 ? c->left : 1u << 30, MSG_TRUNC);
        if (size < 0 && errno == EAGAIN) return WAITING;
        if (size <= 0) return fail(c, &count.protocol, "body cut short");
        take_body(c, c->object->bytes ? scratch : NULL, (uint64_t)size);
    }
    note(&until_end, c->asked_at);
    count.requests++;
    c->answered++;
    if (option.requests && c->answered >= option.requests) return hang_up(c, 0);
    if (c->must_close) return hang_up(c, 1);
    ask(c);
    return GOING_ON;
}

static enum outcome send_request(struct connection *c) {
    ssize_t size = send(c->fd, c->request + c->request_sent, c->request_size - c->request_sent,
                        MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN) return WAITING;
    if (size < 0) return fail(c, &count.connection, "connection lost while asking");
    c->request_sent += (size_t)size;
    if (c->request_sent == c->request_size) c->phase = HEAD;
    return WAITING;
}

static enum outcome step(struct connection *c) {
    switch (c->phase) {
    case SENDING: return send_request(c);
    case HEAD: return read_head(c);
    case BODY: return read_body(c);
    default: return WAITING;
    }
}

static void on_event(struct connection *c, uint32_t events) {
    if (c->phase == CLOSED) return;
    if (c->phase == CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) {
            fail(c, &count.connection, "cannot connect");
            return;
        }
        if (!(events & EPOLLOUT)) return;
        ask(c);
    }
    while (step(c) == GOING_ON) {}
}

static uint64_t run(struct connection *all) {
    struct epoll_event events[EVENTS];
    uint64_t began = now_ns();
    uint64_t soft = began + (uint64_t)(option.seconds * 1e9);
    uint64_t hard = began + (uint64_t)((option.limit > 0 ? option.limit : 60) * 1e9);
    for (int i = 0; i < option.connections; i++) {
        if (dial(&all[i]) == 0) open_connections++;
        else complain(&count.connection, &all[i], "no socket");
    }
    while (open_connections) {
        int ready = epoll_wait(epoll, events, EVENTS, option.poll ? 0 : 20);
        for (int i = 0; i < ready; i++) on_event(events[i].data.ptr, events[i].events);
        uint64_t now = now_ns();
        if (!option.requests && now >= soft) break;
        if (now >= hard) {
            count.unfinished = open_connections;
            break;
        }
    }
    return now_ns() - began;
}

static void die(const char *what) {
    perror(what);
    exit(2);
}

static void read_objects(void) {
    FILE *list = fopen(option.objects, "r");
    if (!list) die(option.objects);
    char path[2048];
    unsigned long long size;
    while (fscanf(list, "%2047s %llu", path, &size) == 2) {
        objects = realloc(objects, (object_count + 1) * sizeof *objects);
        struct object *object = &objects[object_count++];
        *object = (struct object){.path = strdup(path), .size = size};
        if (!option.compare) continue;
        char file[4096];
        snprintf(file, sizeof file, "%s%.*s", option.compare, (int)strcspn(path, "?"), path);
        int fd = open(file, O_RDONLY);
        if (fd < 0) die(file);
        object->bytes = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
        if (object->bytes == MAP_FAILED) die(file);
        close(fd);
    }
    fclose(list);
    if (!object_count) {
        fprintf(stderr, "loadgen: no object in %s\n", option.objects);
        exit(2);
    }
}

static void read_options(int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (!strcmp(name, "--poll")) { option.poll = 1; continue; }
        if (!strcmp(name, "--walk")) { option.walk = 1; continue; }
        if (i + 1 == argc) { fprintf(stderr, "loadgen: %s what?\n", name); exit(2); }
        const char *value = argv[++i];
        if (!strcmp(name, "--port")) option.port = atoi(value);
        else if (!strcmp(name, "--objects")) option.objects = value;
        else if (!strcmp(name, "--compare")) option.compare = value;
        else if (!strcmp(name, "--status")) option.status = atoi(value);
        else if (!strcmp(name, "--connections")) option.connections = atoi(value);
        else if (!strcmp(name, "--requests")) option.requests = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--range")) option.range = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--align")) option.align = strtoull(value, NULL, 10);
        else if (!strcmp(name, "--at")) option.at = strtoull(value, NULL, 10), option.has_at = 1;
        else if (!strcmp(name, "--seed")) random_state ^= strtoull(value, NULL, 10) << 17;
        else if (!strcmp(name, "--seconds")) option.seconds = atof(value);
        else if (!strcmp(name, "--limit")) option.limit = atof(value);
        else { fprintf(stderr, "loadgen: unknown option %s\n", name); exit(2); }
    }
    if (!option.port || !option.objects || option.connections < 1 || !option.align) {
        fprintf(stderr, "usage: loadgen --port PORT --objects FILE [--connections N] "
                        "[--seconds S | --requests N] [--range BYTES "
                        "[--align BYTES | --at BYTE]] ...\n");
        exit(2);
    }
}

static void print_histogram(const char *name, const struct histogram *h) {
    printf("\"%s\": {\"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %llu, "
           "\"mean\": %.1f}, ",
           name, percentile(h, .5), percentile(h, .9), percentile(h, .99), percentile(h, .999),
           (unsigned long long)h->largest, h->count ? (double)h->sum / (double)h->count : 0);
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    read_objects();
    server.sin_family = AF_INET;
    server.sin_port = htons((uint16_t)option.port);
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    scratch = malloc(scratch_size);
    struct connection *all = calloc((size_t)option.connections, sizeof *all);
    if (epoll < 0 || !scratch || !all) die("loadgen");
    double seconds = (double)run(all) / 1e9;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    uint64_t errors = count.status + count.length + count.range + count.location + count.data +
                      count.connection + count.protocol + count.unfinished;
    printf("{\"requests\": %llu, \"bytes\": %llu, \"seconds\": %.6f, \"errors\": %llu, "
           "\"reconnects\": %llu, \"unfinished\": %llu, \"client_cpu_seconds\": %.3f, ",
           (unsigned long long)count.requests, (unsigned long long)count.bytes, seconds,
           (unsigned long long)errors, (unsigned long long)count.reconnects,
           (unsigned long long)count.unfinished,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    print_histogram("head_us", &until_head);
    print_histogram("body_us", &until_body);
    print_histogram("total_us", &until_end);
    printf("\"first_error\": \"%s\"}\n", first_error);
    return 0;
}
