from .app import create_app as create_app, run_server as run_server
