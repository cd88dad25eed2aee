"""The studio: a page in the browser that dreams, on this machine.

==========  ==================================================================================
orders      what a client asks for: `Order`
axes        directions of a sheet of orders
checking    what can be known of an order before a network is loaded
messages    what the server and its worker processes say to one another
jobs        a job: what is kept of it, and what clients see
folder      the folder: pictures, jobs, results; all that survives a power cut
queue       jobs, one after the other
process     a worker process that may end at any moment, and is started again
events      what happens, sent to any number of readers, as fast as each can read
thumbnails  small dreams to choose from
runner      what the process that dreams does next
studio      `Studio`: all of that, as the interface over HTTP needs it
catalogue   networks, layers, classes and looks, by name
uploads     files that clients send, written as they come
guard       token, host and origin of each request; limits of bodies; headers of each answer
app         the interface over HTTP
serve       the address, the port and the browser
worker/     the processes that decode pictures and dream; they alone import TensorFlow
page/       HTML, CSS and JavaScript
==========  ==================================================================================
"""
