# The tasks of `tasks.rs` under CPython: the same measures, the same lines on stdout.
import json, os, sys, threading, time

order = json.loads(sys.argv[1])
lines = threading.Lock()


def tell(who, act, says="", value=0):
    line = {"at_ns": time.monotonic_ns(), "who": who, "pid": os.getpid(), "act": act,
            "says": says, "value": value, "is_loud": act in ("begin", "end")}
    with lines:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def compute(rounds):
    state = 1
    for _ in range(rounds):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF


def rounds_of(part_ns):
    rounds, best = 1000, None
    for _ in range(8):
        began = time.thread_time_ns()
        compute(rounds)
        took = max(1, time.thread_time_ns() - began)
        if took < 200_000:
            rounds *= 4
        else:
            best = min(best or took, took * 1000 // rounds)
    return max(1, part_ns * 1000 // max(1, best or 50_000))


def perform(who):
    tell(who, "begin", "begins")
    began, cpu, on_core = time.monotonic_ns(), time.thread_time_ns(), []
    if "wait" in order["task"]:
        time.sleep(order["task"]["wait"]["wait_ns"] / 1e9)
    else:
        task = order["task"]["compute"]
        for _ in range(task["parts"]):
            part, part_cpu = time.monotonic_ns(), time.thread_time_ns()
            compute(task["rounds"])
            used, now = time.thread_time_ns() - part_cpu, time.monotonic_ns()
            if used * 20 >= (now - part) * 19:
                margin = (now - part) // 10
                on_core += [part + margin, now - margin]
    numbers = [began, time.monotonic_ns(), time.thread_time_ns() - cpu] + on_core
    tell(who, "end", "ends")
    tell(who, "measured", " ".join(map(str, numbers)))


has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
if order["how"] == "measure":
    tell("python", "rounds", sys.version.split()[0], rounds_of(1_000_000) * 2 + int(has_gil))
elif order["how"] == "one":
    for name in order["names"]:
        perform(name)
else:
    threads = [threading.Thread(target=perform, args=(name,)) for name in order["names"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
