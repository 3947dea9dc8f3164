import torch

# Models this small are slower with several threads, and much slower on a busy machine.
torch.set_num_threads(1)
