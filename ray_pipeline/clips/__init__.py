"""Work clip by clip, on all CPUs and GPUs of the cluster.

step ── WorkItems ──> engine ── Clips ──> executor (ray_tasks or ray_data) ──> ClipResults
                        └── what is unchanged is kept, what failed is set aside, the manifest saved
"""
