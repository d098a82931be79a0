"""A Ray cluster of several nodes on this machine, which takes orders on its standard input.

python tools/cluster.py NODES [PROCESSORS OF A NODE]

Each node has cores of its own, as far as there are enough. "address" is answered with where the cluster is, "kill" with
how many nodes are left once one of them was killed.
"""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the cluster until the input ends."""
    from ray.cluster_utils import Cluster

    count = int(sys.argv[1])
    processors = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    cluster, nodes = Cluster(), []
    cores = sorted(os.sched_getaffinity(0))
    for number in range(count):
        # What a node begins stays on its cores.
        os.sched_setaffinity(0, {cores[(number * processors + n) % len(cores)] for n in range(processors)})
        nodes.append(cluster.add_node(num_cpus=processors, object_store_memory=1 << 27))
    os.sched_setaffinity(0, cores)
    cluster.wait_for_nodes()
    for line in sys.stdin:
        if line.strip() == "kill":
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            print(len(nodes), flush=True)
        else:
            print(cluster.address, flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
