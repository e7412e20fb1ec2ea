/* A Gameball that is never the bottleneck: answers every POST with 200, at once or after a fixed latency.
 *
 * far_end PORT LATENCY_MS MARK. One thread, epoll, keep-alive; a request is its header and Content-Length. What it
 * saw is told by GET /stats, as JSON: calls, events (how often the body says "n":), calls in flight now and at most,
 * and the moments (CLOCK_MONOTONIC, ms) of the last answer and of the first when at least MARK events were there, and
 * how many. It is C because the sandbox, in Python, would be slower than what is measured.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 65536, ROOM = 1 << 17, QUEUE = 1 << 16 };
typedef struct { char *in; size_t have; unsigned generation; } Client;
typedef struct { int fd; unsigned generation; double at; } Due;

static Client clients[CLIENTS];
static Due queue[QUEUE]; /* the latency is the same for all, so the answers are due in the order of arrival */
static unsigned long head, tail, calls, events, most, mark, before;
static double marked, last;
static const char ANSWER[] = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n"
                             "{\"success\":true}";

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static void drop(int fd) {
    free(clients[fd].in);
    clients[fd] = (Client){.generation = clients[fd].generation + 1};
    close(fd);
}

static void say(int fd, const char *text, size_t length) {
    if (send(fd, text, length, MSG_NOSIGNAL) != (ssize_t)length) drop(fd);
}

static void answer(int fd) {
    last = now_ms();
    if (!marked && events >= mark) marked = last, before = events;
    calls++;
    say(fd, ANSWER, sizeof ANSWER - 1);
}

static void tell(int fd) {
    char body[256], all[512];
    int length = snprintf(body, sizeof body,
                          "{\"calls\":%lu,\"events\":%lu,\"flying\":%lu,\"most\":%lu,\"before\":%lu,"
                          "\"marked\":%.3f,\"last\":%.3f}",
                          calls, events, tail - head, most, before, marked, last);
    length = snprintf(all, sizeof all, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
    say(fd, all, length);
}

/* Take one request off the front of what a client sent; 0 when it is not whole yet. */
static size_t take(int fd, double latency) {
    Client *c = &clients[fd];
    char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!end) return 0;
    *end = 0;
    char *field = strcasestr(c->in, "\r\ncontent-length:");
    size_t body = field ? strtoul(field + 17, NULL, 10) : 0, whole = end + 4 - c->in + body;
    int expects = strcasestr(c->in, "\r\nexpect:") != NULL, get = !strncmp(c->in, "GET ", 4);
    *end = '\r';
    if (whole > c->have) {
        if (expects && c->have == whole - body) say(fd, "HTTP/1.1 100 Continue\r\n\r\n", 25);
        return 0;
    }
    if (get) {
        tell(fd);
        return whole;
    }
    for (char *at = end; (at = memmem(at, c->in + whole - at, "\"n\":", 4)); at += 4) events++;
    if (latency > 0) {
        queue[tail++ % QUEUE] = (Due){fd, c->generation, now_ms() + latency};
        if (tail - head > most) most = tail - head;
    } else {
        if (!most) most = 1;
        answer(fd);
    }
    return whole;
}

static void hear(int fd, double latency) {
    Client *c = &clients[fd];
    unsigned generation = c->generation;
    if (!c->in) c->in = malloc(ROOM + 1);
    ssize_t got = recv(fd, c->in + c->have, ROOM - c->have, 0);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    c->have += got;
    for (size_t used; c->have && (used = take(fd, latency)) && c->generation == generation;)
        memmove(c->in, c->in + used, c->have -= used);
}

int main(int argc, char **argv) {
    if (argc != 4) return fprintf(stderr, "usage: far_end PORT LATENCY_MS MARK\n"), 2;
    double latency = atof(argv[2]);
    mark = strtoul(argv[3], NULL, 10);
    int one = 1, door = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), watch = epoll_create1(0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(door, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(door, (struct sockaddr *)&at, sizeof at) || listen(door, 4096)) return perror("far_end"), 1;
    struct epoll_event ready[256], want = {.events = EPOLLIN, .data.fd = door};
    epoll_ctl(watch, EPOLL_CTL_ADD, door, &want);
    for (;;) {
        int wait = head == tail ? -1 : (int)(queue[head % QUEUE].at - now_ms() + 0.999);
        int many = epoll_wait(watch, ready, 256, head == tail ? -1 : wait < 0 ? 0 : wait);
        for (int i = 0; i < many; i++) {
            int fd = ready[i].data.fd, came;
            if (fd != door) {
                hear(fd, latency);
                continue;
            }
            while ((came = accept4(door, NULL, NULL, SOCK_NONBLOCK)) >= 0) {
                if (came >= CLIENTS) { close(came); continue; }
                setsockopt(came, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                want = (struct epoll_event){.events = EPOLLIN, .data.fd = came};
                epoll_ctl(watch, EPOLL_CTL_ADD, came, &want);
            }
        }
        while (head != tail && queue[head % QUEUE].at <= now_ms()) {
            Due due = queue[head++ % QUEUE];
            if (clients[due.fd].generation == due.generation) answer(due.fd);
        }
    }
}
