/* Count the system calls of a program and all its threads between two calls of sched_yield.
 *
 * syscalls FILE COMMAND... runs COMMAND and writes `number count` lines to FILE. A call counts when it is entered.
 * Linux 5.3 or newer (PTRACE_GET_SYSCALL_INFO), any architecture.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/ptrace.h>
#include <unistd.h>

enum { MOST = 1024 };
static unsigned long counts[MOST];

int main(int argc, char **argv) {
    if (argc < 3) return fprintf(stderr, "usage: syscalls FILE COMMAND...\n"), 2;
    pid_t first = fork();
    if (!first) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        raise(SIGSTOP);
        execvp(argv[2], argv + 2);
        _exit(127);
    }
    int status, counting = 0, code = 0;
    if (waitpid(first, &status, 0) != first || !WIFSTOPPED(status)) return perror("syscalls"), 1;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (ptrace(PTRACE_SETOPTIONS, first, 0, options) || ptrace(PTRACE_SYSCALL, first, 0, 0)) return perror("syscalls"), 1;
    for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (pid == first) code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
            continue;
        }
        int signal = WSTOPSIG(status);
        if (signal == (SIGTRAP | 0x80)) {
            struct ptrace_syscall_info info;
            signal = 0;
            if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY) {
                if (info.entry.nr == SYS_sched_yield) counting = !counting;
                else if (counting && info.entry.nr < MOST) counts[info.entry.nr]++;
            }
        } else if (signal == SIGTRAP || signal == SIGSTOP) {
            signal = 0; /* an event of ptrace's own: a thread begins, a program is loaded */
        }
        ptrace(PTRACE_SYSCALL, pid, 0, signal);
    }
    FILE *file = fopen(argv[1], "w");
    if (!file) return perror(argv[1]), 1;
    for (int number = 0; number < MOST; number++)
        if (counts[number]) fprintf(file, "%d %lu\n", number, counts[number]);
    fclose(file);
    return code;
}
