#!/usr/bin/env python3
"""Sells tickets from db.txt as the lesson does: under fcntl.flock, with a rest in between.

Usage: lesson_seller.py DB TICKETS SHAPE
SHAPE is how it writes: `in-place` (seek, dump, truncate), `rewrite` (truncate, then dump),
`reopen` (open for writing a second time), or `count-only` (drops every key but `count`).
Prints how many it sold.
"""

import fcntl
import json
import sys
import time


def write(file, path, counter, shape):
    if shape == "count-only":
        counter = {"count": counter["count"]}
    if shape == "reopen":
        with open(path, "w") as again:
            time.sleep(0.001)
            json.dump(counter, again)
        return
    file.seek(0)
    if shape != "in-place":
        file.truncate()
        time.sleep(0.001)
    json.dump(counter, file)
    file.truncate()
    file.flush()


def sell(path, shape):
    with open(path, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        counter = json.load(file)
        time.sleep(0.001)
        if counter["count"] < 1:
            return 0
        counter["count"] -= 1
        time.sleep(0.002)
        write(file, path, counter, shape)
        return 1


def main():
    path, tickets, shape = sys.argv[1:]
    print(sum(sell(path, shape) for _ in range(int(tickets))), flush=True)


if __name__ == "__main__":
    main()
