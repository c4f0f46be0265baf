"""The pages people see: rendered here, useful without JavaScript, live with it.

One page is one module `<name>_page.py` with `routes(...)`, one template, and a row `page_<name>` in
`web.permissions.OPERATIONS`. Page handlers call the same use cases as the API, never HTTP.
"""
