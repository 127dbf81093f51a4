"""
Stand-in cars: what a DeepRacer car says and does, without the car.

One description of a car (its files, its tools, its console) serves two: the faithful stand-in of the tests, with a
real sshd in a network of its own, and the light one of the demo. Neither has a motor, a camera or ROS.
"""
