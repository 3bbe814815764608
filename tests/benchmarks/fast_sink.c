/*
 * A mail server that takes everything, keeps nothing and costs next to nothing, so that a bench
 * shows the sender and not the sink: `fast_sink PORT`. PIPELINING, CHUNKING, one thread, epoll.
 * Says "ready" once it listens; SIGUSR1 makes it say how many messages it took.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER = 1 << 18, LINE = 1024, REPLIES = 1 << 16, MOST = 1024 };

struct line {
    int in_data;        /* between 354 and the final dot */
    long chunk;         /* bytes of a BDAT still to come */
    int last;           /* it is the last chunk */
    int used;           /* bytes of an unfinished command, or the end of what was seen of a body */
    char held[LINE];
};

static struct line lines[MOST];
static char buffer[BUFFER + LINE], replies[REPLIES];
static int replied;
static volatile long taken;

static void tell(int signal_number) {
    char text[32];
    int size = snprintf(text, sizeof text, "%ld\n", taken);
    (void)signal_number;
    if (write(1, text, size) < 0) _exit(1);
}

static void say(const char *text) {
    int size = strlen(text);
    if (replied + size < REPLIES) {
        memcpy(replies + replied, text, size);
        replied += size;
    }
}

/* One command; 0 when the line is to be closed. */
static int obey(struct line *one, const char *command) {
    if (!strncasecmp(command, "DATA", 4)) {
        one->in_data = 1;
        one->used = 2;
        memcpy(one->held, "\r\n", 2); /* an empty body is a dot at once */
        say("354 go on\r\n");
    } else if (!strncasecmp(command, "BDAT ", 5)) {
        one->chunk = atol(command + 5);
        one->last = strcasestr(command, "LAST") != NULL;
        if (!one->chunk) {
            taken += one->last;
            say("250 2.0.0 taken\r\n");
        }
    } else if (!strncasecmp(command, "EHLO", 4)) {
        say("250-fast.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n"
            "250-CHUNKING\r\n250 ENHANCEDSTATUSCODES\r\n");
    } else if (!strncasecmp(command, "QUIT", 4)) {
        say("221 2.0.0 bye\r\n");
        return 0;
    } else {
        say("250 2.0.0 well\r\n");
    }
    return 1;
}

/* What came in after what was held; 0 when the line is to be closed. */
static int hear(struct line *one, char *at, char *end) {
    while (at < end) {
        char *stop;
        if (one->chunk) {
            long size = end - at < one->chunk ? end - at : one->chunk;
            at += size;
            one->chunk -= size;
            if (!one->chunk) {
                taken += one->last;
                say("250 2.0.0 taken\r\n");
            }
        } else if (one->in_data) {
            stop = memmem(at, end - at, "\r\n.\r\n", 5);
            if (!stop) {
                one->used = end - at < 4 ? end - at : 4;
                memcpy(one->held, end - one->used, one->used);
                return 1;
            }
            at = stop + 5;
            one->in_data = 0;
            taken++;
            say("250 2.0.0 taken\r\n");
        } else {
            stop = memchr(at, '\n', end - at);
            if (!stop) {
                one->used = end - at;
                if (one->used >= LINE) return 0;
                memcpy(one->held, at, one->used);
                return 1;
            }
            *stop = 0;
            if (!obey(one, at)) return 0;
            at = stop + 1;
            if (one->in_data && one->used) { /* the CRLF before the body belongs to the dot */
                at -= 2;
                memcpy(at, "\r\n", 2);
                one->used = 0;
            }
        }
    }
    return 1;
}

int main(int count, char **words) {
    struct sockaddr_in place = {.sin_family = AF_INET};
    struct epoll_event event, events[64];
    int yes = 1, listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0);
    if (count < 2) return 2;
    place.sin_port = htons(atoi(words[1]));
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) || listen(listener, 512)) return 1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, tell);
    event.events = EPOLLIN;
    event.data.fd = listener;
    epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);
    if (write(1, "ready\n", 6) < 0) return 1;
    for (;;) {
        int found = epoll_wait(poll, events, 64, -1);
        for (int n = 0; n < found; n++) {
            int fd = events[n].data.fd, open = 1;
            struct line *one;
            if (fd == listener) {
                fd = accept(listener, NULL, NULL);
                if (fd < 0 || fd >= MOST) { if (fd >= 0) close(fd); continue; }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                memset(&lines[fd], 0, sizeof lines[fd]);
                event.data.fd = fd;
                epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
                if (write(fd, "220 fast.example\r\n", 18) < 0) close(fd);
                continue;
            }
            one = &lines[fd];
            replied = 0;
            memcpy(buffer, one->held, one->used);
            ssize_t size = read(fd, buffer + one->used, BUFFER);
            if (size <= 0) { close(fd); continue; }
            char *end = buffer + one->used + size;
            one->used = 0;
            open = hear(one, buffer, end);
            if (replied && write(fd, replies, replied) < 0) open = 0;
            if (!open) close(fd);
        }
    }
}
