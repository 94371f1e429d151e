"""A shop with a queue: an order is taken with 202, and what became of it is asked for at another address."""
import json
import threading
import time

from stock import Shop, main


class Asynchronous(Shop):
    def __init__(self, *args):
        super().__init__(*args)
        self.jobs, self.seen = {}, {}

    def call(self, request, method, path):
        body = json.loads(request.body() or "{}")
        match (method, path.strip("/").split("/")):
            case ("GET", ["inventory"]):
                words = "IN_STOCK" if self.stock.left > 0 else "SOLD_OUT"
                return request.answer(200, {"available": self.stock.left, "state": words})
            case ("POST", ["orders"]):
                with self.lock:
                    job = self.seen.setdefault(request.headers["Idempotency-Key"], f"job-{len(self.seen)}")
                    is_new = job not in self.jobs
                    self.jobs.setdefault(job, None)
                if is_new:
                    threading.Thread(target=self.work, args=(job, body["seats"]), daemon=True).start()
                return request.answer(202, {"state": "queued"}, Location=f"/jobs/{job}", Retry_After="0")
            case ("GET", ["jobs", job]) if job in self.jobs:
                done = self.jobs[job]
                if done is None:
                    return request.answer(202, {"state": "queued"})
                return request.answer(200, done)
        return request.answer(404, {})

    def work(self, job, seats):
        time.sleep(0.02)
        last = self.stock.change(seats)
        self.jobs[job] = {"state": "rejected"} if last is None else {"state": "sold", "seat": last}


main(Asynchronous)
