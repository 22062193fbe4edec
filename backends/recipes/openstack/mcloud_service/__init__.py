"""How Keystone and Glance are started in mcloudfs's containers, and how they say that they serve."""
